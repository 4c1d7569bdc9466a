"""`python -m sandbox.aws --state DIR [--port N] [--action-seconds S] [--key FILE]`: serves AWS of one local cloud."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from bakewell.errors import BakewellError
from sandbox.aws.serving.server import serve
from sandbox.serving.words import seconds


def main() -> int:
    """Runs until SIGTERM; the exit status is 1 when the server can't start."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.aws", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of the cloud's state")
    parser.add_argument("--port", type=int, help="port to listen on (default: that of the last run, else a free one)")
    parser.add_argument("--action-seconds", type=seconds, default=0.3, help="how long a change of state takes at least")
    parser.add_argument("--key", type=Path, help="a private key whose public half every region has as a key pair")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        serve(args.state, args.port, args.action_seconds, args.key)
    except BakewellError as error:
        print(f"sandbox.aws: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
