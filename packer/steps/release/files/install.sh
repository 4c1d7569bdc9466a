#!/bin/sh
# Fetch a release, compare its checksum, put one executable of it in its place. Run as: sh -c TEXT release URL SHA256 …
set -eu

url=$1 want=$2 member=$3 dest=$4 marker=$5 name=$6

fail() {
    echo "$1" >&2
    echo "remedy: $2" >&2
    exit 1
}

# On the disk that the executable goes to, because /run is small; never in /tmp, which is other programs' too.
mkdir -p "$(dirname "$marker")"
work=$(mktemp -d "$marker.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
archive=$work/${url##*/}

code=0
curl --fail --location --silent --show-error --retry 3 --retry-connrefused --connect-timeout 20 \
    --speed-limit 1000 --speed-time 60 --output "$archive" "$url" || code=$?
case $code in
0) ;;
22) fail "$url is not there" "correct the version of $name in image.toml [versions], then run: bakewell lock $name" ;;
23) fail "$url does not fit on this machine's disk" "on DigitalOcean choose a larger \`memory_gb\` in image.toml, on AWS \
give the role an aws.pkr.hcl of its own with a larger root volume, on Docker free disk of this host; or install less" ;;
*) fail "$url cannot be fetched (curl exit code $code)" \
    "see that this machine reaches that host (its firewall, DNS, the vendor's status page), then build again" ;;
esac

got=$(sha256sum <"$archive" | cut -d ' ' -f 1)
[ "$got" = "$want" ] || fail "checksum mismatch for $url: got $got, want $want" \
    "trust neither before you know why they differ; where the vendor says that the new file is right: bakewell lock $name"

mkdir "$work/unpacked"
case $url in
*.zip) python3 -m zipfile -e "$archive" "$work/unpacked" ;;
*.tar.gz | *.tgz) tar -xzf "$archive" --no-same-owner -C "$work/unpacked" ;;
*) mv "$archive" "$work/unpacked/$member" ;;
esac
found=$(find "$work/unpacked" -type f -name "$member")
[ -f "$found" ] || fail "$url holds no file $member, or several: $(ls "$work/unpacked")" "name the one that is wanted: member=…"

mkdir -p "$(dirname "$dest")"
install -o root -g root -m 0755 "$found" "$dest"
echo "$want  $dest" >"$marker"
