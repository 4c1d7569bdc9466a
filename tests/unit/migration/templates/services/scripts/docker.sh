#!/bin/sh -e
apt-get install --yes docker.io
