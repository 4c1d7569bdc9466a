#!/bin/sh -e
curl -fsSo /tmp/consul.zip "https://releases.hashicorp.com/consul/$CONSUL_VERSION/consul.zip"
