#!/bin/sh
# The mirror's container: the registry behind nginx, which ends when the container is to.
docker-registry serve /etc/mirror/registry.yml &
exec nginx -c /etc/mirror/nginx.conf
