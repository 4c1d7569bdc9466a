#!/bin/sh
# Run one backup: backup NAME. COMMAND, KEEP and SUFFIX are in the environment.
# COMMAND gets BACKUP, the path of the file that it must write.
set -eu
umask 077

name=$1
folder=/var/backups/$name
part=$folder/.part

fail() {
    echo "backup of $name: $1; the backups that there are stay" >&2
    echo "remedy: $2" >&2
    exit 1
}

mkdir -p "$folder"
# Also what a run that was killed left.
rm -rf "$part"
trap 'rm -rf "$part"' EXIT
trap 'exit 1' HUP INT TERM

code=0
BACKUP=$part sh -c "$COMMAND" || code=$?
[ "$code" -eq 0 ] || fail "$COMMAND ended with status $code" "see its words above, then: systemctl start backup-$name"
[ -s "$part" ] || fail "$COMMAND wrote nothing to \$BACKUP" "let it write the file that \$BACKUP names"

sync "$part"
mv "$part" "$folder/$name-$(date -u +%Y%m%dT%H%M%SZ)$SUFFIX"
# Names sort by time. Only now, when there is one more.
find "$folder" -maxdepth 1 -type f -name "$name-*$SUFFIX" | sort -r | tail -n "+$((KEEP + 1))" | xargs -r rm -f
