#!/bin/sh
# Where there is no Consul, user_data says where the applications are: <address>:<port>, a line each.
set -eu
peers=/etc/bakewell/peers/app-node
conf=/etc/nginx/conf.d/upstream.conf
[ -s "$peers" ] || exit 0
{
    echo 'upstream app {'
    sed 's/.*/    server &;/' "$peers"
    echo '}'
} >"$conf.new"
mv "$conf.new" "$conf"
systemctl reload nginx.service
