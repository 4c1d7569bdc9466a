#!/bin/sh
# The Python that Pulumi's language host runs in tests. Before each run of a program the host has pip list all that is
# installed, and keeps what is Pulumi's: installed.py says the same in a tenth of the time.
case "$*" in
"-m pip list -v --format json") exec python3 "${0%/*}/installed.py" ;;
*) exec python3 "$@" ;;
esac
