"""The operator's commands: a thin layer of arguments and tables over the same code that Pulumi runs.

Exit codes: 0 done, 1 any other failure, 2 bad input, 3 the cloud, 4 a build, 5 interrupted. Errors are one message on
stderr; a traceback only with --debug.
"""

from __future__ import annotations

import errno
import gc
import io
import sys
import traceback

from bakewell.cli import stderr, streams

_OF_STREAMS = (errno.EBADF, errno.ENOSPC, errno.EIO)
_INTERRUPTED = 5
"""As bakewell.errors.Interrupted, which may not be loaded yet."""


def main() -> None:
    """The entry point: run the command that the arguments name, and exit with its code."""
    gc.set_threshold(100_000)  # its default walks through the libraries' classes dozens of times as they load
    streams.fill()
    stderr.install()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # while the commands' modules are loaded
        print("error: interrupted", file=sys.stderr)
        code = _INTERRUPTED
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    import click

    from bakewell.cli.app import app
    from bakewell.errors import BakewellError, Interrupted
    from bakewell.masks import masked

    debug = "--debug" in arguments
    try:
        code = app(arguments, standalone_mode=False, prog_name="bakewell")
    except click.ClickException as error:
        usage = io.StringIO()
        error.show(usage)
        print(masked(usage.getvalue()), end="", file=sys.stderr)  # it repeats the arguments
        return error.exit_code
    except BakewellError as error:
        if debug:
            print(masked(traceback.format_exc()), file=sys.stderr)
        print(masked(f"error: {error}"), file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        print("error: interrupted", file=sys.stderr)
        return Interrupted.exit_code
    except BrokenPipeError:
        streams.abandon()  # the reader of our output has gone; there is nobody to tell
        return 1
    except Exception as error:
        if isinstance(error, OSError) and error.filename is None and error.errno in _OF_STREAMS:
            print(f"error: {streams.unwritable(error)}", file=sys.stderr)
            return 1
        if debug:
            print(masked(traceback.format_exc()), file=sys.stderr)
        print(
            masked(f"error: unexpected {type(error).__name__}: {error}\n  remedy: run it again with --debug"),
            file=sys.stderr,
        )
        return 1
    return int(code or 0)
