#!/bin/sh
# Turns the local cloud's stock machine into its mirror: nginx before files and a container registry. Runs as root.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
here=$(dirname "$0")

apt-get update
apt-get install -y --no-install-recommends nginx docker-registry busybox-static
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin

mkdir -p /etc/mirror /srv/mirror/files /srv/mirror/registry
cp "$here/nginx.conf" "$here/registry.yml" "$here/users" /etc/mirror/
chmod 644 /etc/mirror/*
cp "$here/start.sh" /usr/local/bin/mirror
chmod 755 /usr/local/bin/mirror
rm -rf "$here"
