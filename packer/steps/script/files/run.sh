#!/bin/sh
# Run a script with the variables that stdin sets. Run as: sh -c TEXT script FOLDER INTERPRETER… SCRIPT ARGUMENTS…
# Where the script fails, FOLDER/status has its exit status, and the line that bash ended it at.
folder=$1
shift
variables=$(cat)

# bash reads this before the script.
cat > "$folder/trap" << EOF
unset BASH_ENV
set -o errtrace
trap 'echo "\$- \$LINENO \${BASH_SOURCE[0]}" > "$folder/at"' ERR
EOF

bash=
for word in "$1" "$2"; do
    case ${word##*/} in
    bash | *" bash" | *" bash "*) bash=$folder/trap ;;
    esac
done

code=0
(
    set -- "$bash" "$@"
    eval "$variables"
    [ -z "$1" ] || export BASH_ENV="$1"
    shift
    exec "$@"
) < /dev/null || code=$?

if [ "$code" -eq 0 ]; then
    rm -rf "$folder"
    exit 0
fi
echo "$code" > "$folder/status"
# "FLAGS LINE FILE": only under `set -e` (flag e) is the last failure the one that ended the script.
[ ! -e "$folder/at" ] || sed -n "s|^[^ ]*e[^ ]* \([0-9]*\) $folder/script\$|\1|p" "$folder/at" >> "$folder/status"
exit "$code"
