#!/bin/sh -e
usermod -aG adm nobody
