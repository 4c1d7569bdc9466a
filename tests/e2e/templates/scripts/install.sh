#!/bin/bash
set -eu
echo "installing $RELEASE"
mkdir -p "$APP_DIR"
echo "$RELEASE" > "$APP_DIR/release"
