"""What commands share: the project they run in, their common options, and how they print."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bakewell.cli.streams import printing
from bakewell.errors import ConfigError
from bakewell.masks import masked

if TYPE_CHECKING:
    from bakewell.bases import Bases
    from bakewell.build.job import Job
    from bakewell.catalog import Catalog
    from bakewell.clouds.protocols import Cloud
    from bakewell.fingerprint import Fingerprint
    from bakewell.settings import Environment, Settings
    from bakewell.validation import Looked

_LONGEST_UP = timedelta(days=1)
_FOR_PULUMI = ("BAKEWELL_FINGERPRINT", "BAKEWELL_MACHINE")
"""Variables of Commands: where one is set, Pulumi runs this command."""
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]
CloudName = Annotated[str | None, typer.Option("--cloud", help="One of the stack's clouds.", metavar="CLOUD")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON to stdout instead of a table.")]


@dataclass(frozen=True)
class Project:
    """The project that a command runs in. Everything is read when it is first asked for, and raises ConfigError."""

    root: Path
    environment: Environment

    @classmethod
    def here(cls, *, for_pulumi: bool = False) -> Project:
        """The project of the working directory: the nearest folder upwards with a Pulumi.yaml and a packer/.

        Args:
            for_pulumi: whether it is Pulumi that runs this command, where no variable says so.
        """
        from bakewell import project

        return cls(project.root(), cls._environment(for_pulumi or any(map(os.environ.get, _FOR_PULUMI))))

    @staticmethod
    def _environment(for_pulumi: bool) -> Environment:
        """Run by Pulumi, the stack is the one of its program; what the Command's state says may be an older name."""
        from bakewell.settings import Environment

        read = Environment.read(os.environ)
        if not for_pulumi:
            return read
        from bakewell.settings import engine

        return replace(read, stack=engine.announced(read.state_dir))

    @cached_property
    def file(self) -> str:
        """The stack's file, for messages."""
        from bakewell.settings import stack_file

        return str(stack_file(self.root, self.environment.stack))

    @cached_property
    def written(self) -> Settings:
        """Stack config by itself, not held against the catalog: for `doctor`, which looks at both apart."""
        from bakewell.settings import load_settings

        return load_settings(self.environment.stack, self.root)

    @cached_property
    def _read(self) -> tuple[Settings, Catalog]:
        """Stack config and catalog, as far as a preview would not refuse them."""
        from bakewell import desired
        from bakewell.catalog import Catalog

        catalog = Catalog.load(self.root / "packer", max_context_mb=self.written.max_context_mb)
        desired.check(self.written, catalog, self.file)
        return self.written, catalog

    @property
    def settings(self) -> Settings:
        """Stack config, which the catalog fits."""
        return self._read[0]

    @property
    def catalog(self) -> Catalog:
        """Every image under packer/images, which fit the stack config."""
        return self._read[1]

    @cached_property
    def bases(self) -> Bases:
        """packer/bases.lock; on the local cloud with its mirror's checksums of downloads."""
        from bakewell.bases import Bases

        return Bases.load(self.root / "packer" / "bases.lock", self.environment.downloads)

    def clouds(self, named: str | None) -> list[str]:
        """The stack's clouds; `named` alone where there is any. Raises ConfigError where it is none of them."""
        known = self.written.clouds
        if named is None:
            return list(known)
        if named not in known:
            raise ConfigError(
                f"stack {self.environment.stack} bakes for {', '.join(known)}, not for `{named}`",
                remedy="name one of those, or add it to bakewell:clouds",
            )
        return [named]

    def fingerprints(
        self, cloud: str, roles: Collection[str] = (), *, now: datetime | None = None
    ) -> dict[str, Fingerprint]:
        """Of `roles` and what they are built on; of all where none is named. Rebuild windows are those of `now`."""
        from bakewell.fingerprint import fingerprints

        return fingerprints(
            self.catalog,
            cloud,
            self.bases,
            now=now or datetime.now(UTC),
            roles=roles,
            encryption=self.settings.encryption(cloud),
        )

    def demanded(self, cloud: str, role: str) -> Fingerprint:
        """The fingerprint of `role` on a cloud: the one that Pulumi runs this command for (BAKEWELL_FINGERPRINT), if it
        does.

        An `up` may begin in one rebuild window and end in the next: the window of a day ago is taken as well.

        Raises:
            ConfigError: the files give neither.
        """
        wanted, now = os.environ.get("BAKEWELL_FINGERPRINT"), datetime.now(UTC)
        found = self.fingerprints(cloud, [role], now=now)[role]
        if not wanted or wanted == found.value:
            return found
        before = self.fingerprints(cloud, [role], now=now - _LONGEST_UP)[role]
        if wanted == before.value:
            return before
        raise ConfigError(
            f"image {role}: its files, or the period of a rebuild window, changed since Pulumi read them "
            f"({wanted[:12]} wanted, {found.value[:12]} found)",
            remedy="run `pulumi up` again",
        )

    def job(self, cloud: str, role: str, found: Fingerprint, *, force: bool, parallel: int | None) -> Job:
        """The build of one image. `parallel`: how many builds at once on this host, where it overrides the settings."""
        from bakewell.build.job import Job

        return Job(
            role=role,
            cloud=cloud,
            fingerprint=found,
            catalog=self.catalog,
            bases=self.bases,
            settings=self.settings,
            environment=self.environment,
            force=force,
            cap=parallel,
        )

    def roles(self, named: Sequence[str]) -> tuple[str, ...]:
        """`named` as roles, parents first; the stack's own where none is named, every one there is for `all`."""
        if not named:
            return self.catalog.select(self.settings.roles)
        if list(named) == ["all"]:
            return self.catalog.roles
        for role in named:
            self.catalog[role]
        return tuple(role for role in self.catalog.roles if role in named)

    def connect(self, cloud: str) -> Cloud:
        """The cloud of that name, checked to be one that this stack may run on."""
        from bakewell.clouds import connect

        self.environment.check(self.written)
        return connect(cloud, self.environment, self.written)

    def look(self, cloud: str) -> tuple[Cloud, Looked]:
        """The cloud, and what the stack wants there: nothing that a preview would refuse. Nothing is changed."""
        from bakewell.validation import look

        there = self.connect(cloud)
        return there, look(there, cloud, self.settings, self.environment, self.root, file=self.file)


def print_json(value: Any) -> None:
    """One line of JSON to stdout."""
    print_text(json.dumps(value, separators=(",", ":")) + "\n")


def print_text(text: str) -> None:
    """To stdout, whole or with an error."""
    with printing():
        sys.stdout.write(text)


def note(text: str) -> None:
    """Progress for people, on stderr."""
    print(masked(text), file=sys.stderr, flush=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table to stdout; as wide as it needs to be where that is no terminal."""
    if not sys.stdout.isatty():
        print_text(_unfolded([columns, *rows]))
        return
    from rich.console import Console  # Here, because what is piped does without, and it takes longer than all the rest.
    from rich.table import Table

    size = shutil.get_terminal_size()  # forgives a COLUMNS that is no number, as rich does not
    console = Console(width=size.columns, height=size.lines)
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    with printing():
        console.print(shown, markup=False, highlight=False)


def _unfolded(rows: Sequence[Sequence[str]]) -> str:
    """Rows as text in columns; a cell of several lines has these below each other."""
    widths = [max(len(line) for cell in column for line in cell.split("\n")) for column in zip(*rows, strict=True)]
    lines = [line for row in rows for line in zip_longest(*(cell.split("\n") for cell in row), fillvalue="")]
    return "".join("  ".join(map(str.ljust, line, widths)).rstrip() + "\n" for line in lines)


def age(then: datetime) -> str:
    """How long ago, in the largest unit that fits: `3 d`, `5 h`, `12 min`."""
    seconds = max(0, int((datetime.now(UTC) - then).total_seconds()))
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
