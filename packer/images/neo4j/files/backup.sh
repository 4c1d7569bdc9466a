#!/bin/sh
# The database's files as $BACKUP, a .tar.gz. The community edition can only be copied while it is stopped.
# Run as: backup-neo4j PORT, where it answers HTTP.
set -eu

unit=docker-compose@neo4j.service
port=$1

restart() {
    systemctl start "$unit"
    # What was copied is good in any case.
    curl --fail --silent --show-error --output /dev/null --retry 90 --retry-delay 1 --retry-all-errors \
        "http://127.0.0.1:$port/" || echo "Neo4j is slow to come back: see journalctl -u $unit" >&2
}

if systemctl is-active --quiet "$unit"; then
    # Whatever happens to the copy, the database comes back.
    trap restart EXIT
    trap 'exit 1' HUP INT TERM
    systemctl stop "$unit"
fi
tar -C /var/lib/neo4j -czf "$BACKUP" .
