#!/bin/sh
# The Python environment: .venv holds exactly what requirements.lock names, and this project itself, editable.
# Everything else is done in Python (`python -m bakewell_local`), which needs this first. Repeated runs cost milliseconds.
# Writes only .venv and the user cache; set-up talk goes to stderr, so that `make -s env` prints exports alone.
set -eu

cd "$(dirname "$0")/../.."
stamp=.venv/.bakewell
# The folder is part of the key: scripts in a virtual environment name their interpreter by absolute path.
key="$PWD $(cat requirements.lock pyproject.toml bakewell_local/toolchain/setup.sh | cksum)"
ready() { [ -x .venv/bin/python ] && [ -r "$stamp" ] && [ "$(cat "$stamp")" = "$key" ]; }
if ready; then
    exit 0
fi

say() { printf '%s\n' "python      | $*" >&2; }
fail() {
    printf '%s\n' "error: $1" "  remedy: $2" >&2
    exit 1
}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bakewell

# Of two first runs at once, the second waits and finds all done. (macOS has no flock: there, don't start two.)
if command -v flock >/dev/null 2>&1; then
    mkdir -p "$cache"
    exec 9>"$cache/setup.lock"
    if ! flock --nonblock 9; then
        say "another run is setting up: waiting"
        flock 9
    fi
    if ready; then
        exit 0
    fi
fi

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

python=
for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 && recent "$candidate"; then
        python=$(command -v "$candidate")
        break
    fi
done
[ -n "$python" ] || fail "no Python 3.11 or newer on PATH" "install python3 (Debian 12, Ubuntu 24.04 or newer have it), or name one: make PYTHON=/path/to/python3"

wanted=$(sed -n 's/^uv==\([0-9.]*\).*/\1/p' requirements.lock)

# uv from PATH if it is the pinned version or newer; else the pinned one, in an environment of its own in the cache.
uv=
if command -v uv >/dev/null 2>&1; then
    have=$(uv --version | cut -d' ' -f2)
    if [ "$(printf '%s\n' "$wanted" "$have" | sort -V | head -n 1)" = "$wanted" ]; then
        uv=$(command -v uv)
    fi
fi
if [ -z "$uv" ]; then
    home=$cache/uv/$wanted
    uv=$home/bin/uv
    if ! "$uv" --version >/dev/null 2>&1; then
        say "installing uv $wanted"
        mkdir -p "$cache/uv"
        if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
            # Debian and Ubuntu ship Python without them.
            if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
                say "installing python3-venv from the distribution"
                { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends python3-venv; } >/dev/null ||
                    fail "python3-venv could not be installed" "see apt's message above"
            else
                fail "this Python has no venv module" "install python3-venv, or uv $wanted"
            fi
        fi
        new=$cache/uv/new-$$
        trap 'rm -rf "$new"' EXIT
        trap 'exit 130' INT TERM
        "$python" -m venv "$new" >&2
        awk '/^[^ ]/ { on = /^uv==/ } on && !/#/' requirements.lock >"$new/uv.txt"
        "$new/bin/python" -m pip install --quiet --require-hashes -r "$new/uv.txt" >&2 ||
            fail "uv could not be installed" "see pip's message above; a network and a package index are needed once"
        rm -rf "$home"
        mv "$new" "$home"
    fi
fi

# An environment that was made elsewhere, by an older Python, or only half, is made afresh.
made_in=$(sed 's/ [0-9]* [0-9]*$//' "$stamp" 2>/dev/null || printf '%s' "$PWD")
if ! recent .venv/bin/python || [ "$made_in" != "$PWD" ]; then
    say "creating .venv with $("$python" --version)"
    "$uv" venv --quiet --clear --no-project --python "$python" .venv >&2
fi

say "installing what requirements.lock names"
export VIRTUAL_ENV="$PWD/.venv"
rm -f "$stamp"
"$uv" pip sync --quiet --require-hashes requirements.lock >&2
# Most of what there is to compile is in packages of which a run imports little or nothing: that is done when it does.
.venv/bin/python -m compileall -q -j 2 -x '/(pulumi_aws|pydo|sympy|networkx|debugpy|pip)/' .venv/lib >&2 ||
    say "some of it does not compile for this Python"
"$uv" pip install --quiet --no-deps --no-build-isolation --editable . >&2
printf '%s\n' "$key" >"$stamp"
say "ready"
