"""Shell scripts that a team has already: each is run once on the builder, as root, and leaves no file of its own.

    script.run("files/install.sh", args=["--quiet"], env={"REGION": "nyc3"}, secrets=["REGISTRY_TOKEN"])
    script.inline(["install -d -m 750 /srv/app", "touch /srv/app/ready"])

The interpreter is the one that the script's first line names, else sh; the working directory is root's home, and
stdin is empty. A script is run again where the deploy is. Its output goes to the log while it runs. A script that ends
with another status than 0 ends the build, which then names the script, the status and the line: of bash scripts under
`set -e` always, of others where their shell says it.

Values of `env` and secrets go to the machine on the command's stdin and are no process's arguments.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Generator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import validate_call
from pyinfra import host
from pyinfra.api import DeployError, FileUploadCommand, QuoteString, StringCommand, operation
from pyinfra.connectors.util import CommandOutput, OutputLine

if TYPE_CHECKING:
    from pyinfra.api.arguments import ConnectorArguments
    from pyinfra.api.host import Host
    from pyinfra.api.state import State

Value = str | int | bool

RUNNER = (Path(__file__).parent / "files" / "run.sh").read_text(encoding="utf-8")
FOLDER = "/run/bakewell-script"
"""In memory, for root alone, and removed when the script succeeds."""

INLINE = "inline script"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELLS_OWN = re.compile(r"^(?:\S*/)?script: (?:line )?(?P<line>\d+): ")
"""How bash and dash begin a message about the script: `/run/bakewell-script/script: line 4: NOPE: unbound variable`."""


@validate_call
def run(source: str, args: Sequence[str] = (), env: Mapping[str, Value] = {}, secrets: Sequence[str] = ()) -> None:
    """Run a script of the image's folder.

    Args:
        source: the script, a path below the role's folder.
        args: its arguments. Everybody on the builder may read them.
        env: its variables, beside those that root has. true and false are written so.
        secrets: names of image.toml's table of secrets. The script finds each in the variable of that name.

    Raises:
        DeployError: no such script, no text, or a name that can be no variable's or is no declared secret.
    """
    text = _read(source)
    _run(name=f"Script | {source}", source=source, text=text, args=args, variables=_variables(source, env, secrets))


@validate_call
def inline(commands: Sequence[str], env: Mapping[str, Value] = {}, secrets: Sequence[str] = ()) -> None:
    """Run `commands`, lines of one script for `sh -e`: the first that fails ends it.

    Args:
        env: as in `run`.
        secrets: as in `run`.

    Raises:
        DeployError: as `run`.
    """
    text = "".join(f"{line}\n" for line in ["#!/bin/sh -e", *commands])
    title = f"{INLINE}: {commands[0].splitlines()[0][:60]}" if commands and commands[0] else INLINE
    _run(name=f"Script | {title}", source=INLINE, text=text, args=(), variables=_variables(INLINE, env, secrets))


@operation(is_idempotent=False)
def _run(
    source: str, text: str, args: Sequence[str], variables: Mapping[str, str]
) -> Generator[str | FileUploadCommand | StringCommand, None, None]:
    yield f"rm -rf {FOLDER} && mkdir -m 700 {FOLDER}"
    yield FileUploadCommand(StringIO(text), f"{FOLDER}/script")
    yield _Shown(
        source,
        text,
        *map(QuoteString, ["sh", "-c", RUNNER, "script", FOLDER, *interpreter(text), f"{FOLDER}/script", *args]),
        _stdin="".join(f"export {name}={shlex.quote(value)}\n" for name, value in variables.items()) or "\n",
    )


def interpreter(text: str) -> list[str]:
    """The words that start a script, as the kernel reads them in its first line: a program and at most one argument."""
    first = text.partition("\n")[0]
    return first[2:].strip().split(maxsplit=1) if first.startswith("#!") and first[2:].strip() else ["/bin/sh"]


def _read(source: str) -> str:
    """The script's text."""
    here = Path.cwd().resolve()
    path = (here / source).resolve()
    if not path.is_relative_to(here):
        raise DeployError(
            f"the script {source} lies outside of the image's folder, so nobody has hashed it\n"
            "remedy: copy it to files/ of the role, and name it from there"
        )
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DeployError(
            f"the script {source} cannot be read: {error.strerror}\n"
            "remedy: name a file of the role's folder, such as files/install.sh"
        ) from None
    except UnicodeDecodeError:
        raise DeployError(
            f"{source} is no text, so it is no script\n"
            "remedy: put the program in its place with files.put, then call it in script.inline"
        ) from None
    if text.partition("\n")[0].endswith("\r"):
        raise DeployError(
            f"the script {source} has line ends of Windows, which no shell takes\n"
            "remedy: write it with line feeds alone; in .gitattributes: *.sh text eol=lf"
        )
    return text


def _variables(source: str, env: Mapping[str, Value], secrets: Sequence[str]) -> dict[str, str]:
    declared = host.data.get("secrets") or {}
    for name in (*env, *secrets):
        if not _NAME.fullmatch(name):
            raise DeployError(
                f"{source}: `{name}` can be no variable of a script\n"
                "remedy: use letters, digits and underscores, with no digit first"
            )
    for name in secrets:
        if name not in declared:
            raise DeployError(
                f"{source} wants the secret {name}, which its image does not declare\n"
                f'remedy: declare it in image.toml: [secrets] {name} = "what it is for"'
            )
    given = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in env.items()}
    return given | {name: str(declared[name]) for name in secrets}


class _Shown(StringCommand):
    """The run of a script: shown line by line while it runs, and told by the script's own line where it fails."""

    def __init__(self, source: str, text: str, *bits: object, _stdin: str) -> None:
        super().__init__(*bits, _stdin=_stdin)
        self._source, self._text = source, text

    def execute(self, state: State, host: Host, connector_arguments: ConnectorArguments) -> tuple[bool, CommandOutput]:
        connector_arguments.update(self.connector_arguments)
        padding = host.print_prefix_padding
        host.print_prefix_padding = f"{padding} {self._source}:"
        try:
            succeeded, output = host.run_shell_command(
                self, print_output=True, print_input=state.print_input, **connector_arguments
            )
        finally:
            host.print_prefix_padding = padding
        if succeeded:
            return succeeded, output
        _, result = host.run_shell_command(StringCommand("cat", f"{FOLDER}/status"))
        lines = failure(self._source, self._text, result.stdout_lines, output.stderr_lines)
        # PyInfra prints what a failed command returns, and the script's own output has been shown.
        return False, CommandOutput([OutputLine("stderr", line) for line in lines])


def failure(source: str, text: str, result: Sequence[str], errors: Sequence[str]) -> list[str]:
    """What to say about a script that failed: a sentence and a remedy.

    Args:
        result: lines that run.sh left: the exit status, then the line on which bash saw a command fail.
        errors: what the script wrote to stderr.
    """
    status = result[0] if result else ""
    number = int(result[1]) if len(result) > 1 and result[1].isdigit() else 0
    if not number:
        said = [match for line in errors[-20:] if (match := _SHELLS_OWN.match(line))]
        number = int(said[-1]["line"]) if said else 0
    lines = text.splitlines()
    where = source
    if 0 < number <= len(lines):
        where = f"{source} line {number}" if source != INLINE else f"{source}, its command {number - 1}"
        where += f" (`{lines[number - 1].strip()[:100]}`)"
    if not status:
        return [
            f"{where}: the connection ended before the script",
            "remedy: see whether it restarts the builder or SSH",
        ]
    if status == "137":
        return [
            f"{where} was killed, most often because the builder ran out of memory",
            "remedy: choose a larger `memory_gb` in image.toml",
        ]
    return [
        f"{where} ended with exit status {status}",
        f"remedy: correct {where}, which ended with exit status {status}: the log has its output",
    ]
