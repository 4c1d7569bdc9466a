"""`python -m bakewell_local COMMAND`: what `bakewell local COMMAND` becomes, and what the Makefile calls for tests."""

from __future__ import annotations

import sys

from bakewell_local.cli import extra


def main() -> int:
    """Run the command that argv names; exit status 2 where the packages of the extra `local` are not installed."""
    if names := extra.missing():
        print(
            f"error: the local cloud needs packages that are not installed: {', '.join(names)}\n"
            f"  remedy: {extra.REMEDY}",
            file=sys.stderr,
        )
        return 2
    from bakewell_local.cli.commands import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
