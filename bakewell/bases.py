"""packer/bases.lock: which exact stock image each base means, per cloud. Committed; moved by `bakewell lock` alone.

    [debian-12.digitalocean]
    image = "debian-12-x64"          # what the API is asked for where no ID is locked
    name = "12 x64"                  # what that was when it was locked
    date = "2026-11-02"
    [debian-12.digitalocean.ids]     # region -> ID; where there are any, only these are used
    nyc3 = "1234"

Image, name and date are part of fingerprints, IDs are not: another region rebuilds nothing. This module asks no cloud.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field, RootModel

from bakewell.errors import ConfigError
from bakewell.reading import Model, Slug, checked, did_you_mean, looking, read_text, read_toml

_Text = Annotated[str, Field(min_length=1, max_length=255)]


class BaseEntry(Model):
    """One base on one cloud.

    Attributes:
        image: the cloud's own name for it: a slug, or the pattern an AMI is found by.
        name: the image's name when it was locked.
        date: when the vendor published it: YYYY-MM-DD.
        ids: region -> image ID; empty where the cloud is asked for `image` itself.
    """

    image: _Text
    name: _Text
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    ids: dict[Slug, _Text] = Field(default_factory=dict)


class _Lock(RootModel[dict[Slug, dict[Slug, BaseEntry]]]):
    pass


class Bases:
    """The bases that are locked.

    Attributes:
        path: the lock file.
    """

    def __init__(self, path: Path, entries: Mapping[str, Mapping[str, BaseEntry]]) -> None:
        self.path = path
        self._entries = {name: dict(clouds) for name, clouds in entries.items()}

    @classmethod
    def load(cls, path: Path) -> Bases:
        """Read the lock file; one that does not exist locks nothing.

        Raises:
            ConfigError: unreadable, no TOML, an unknown key or a wrong type.
        """
        with looking("bases.lock", path):
            missing = not path.exists()
        if missing:
            return cls(path, {})
        data = read_toml(path, "bases.lock")
        for name, clouds in data.items():
            for cloud, entry in clouds.items() if isinstance(clouds, dict) else ():
                if isinstance(entry, dict):
                    checked(BaseEntry, entry, file=path, what=f"base {name}.{cloud}")
        return cls(path, checked(_Lock, data, file=path, what="bases.lock").root)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def entry(self, name: str, cloud: str) -> BaseEntry:
        """What `name` means on `cloud`. Raises ConfigError where it is not locked."""
        if name not in self._entries:
            known = ", ".join(sorted(self._entries)) or "none yet"
            raise ConfigError(
                f"base `{name}` is not locked{did_you_mean(name, self._entries)}; locked are: {known}",
                file=self.path,
                remedy=f"run: bakewell lock {name}",
            )
        if cloud not in self._entries[name]:
            raise ConfigError(
                f"base `{name}` is not locked for {cloud}", file=self.path, remedy=f"run: bakewell lock {name}"
            )
        return self._entries[name][cloud]

    def resolve(self, name: str, cloud: str, region: str) -> str:
        """What Packer is given as base image in `region`: the locked ID, or `image` where no IDs are locked.

        Raises:
            ConfigError: not locked, or locked for other regions only.
        """
        entry = self.entry(name, cloud)
        if entry.ids and region not in entry.ids:
            raise ConfigError(
                f"base `{name}` is locked on {cloud} for {', '.join(sorted(entry.ids))}, but not for {region}",
                file=self.path,
                remedy=f"run: bakewell lock {name}",
            )
        return entry.ids.get(region, entry.image)

    def update(self, cloud: str, name: str, entry: BaseEntry) -> bool:
        """Lock `name` on `cloud` to `entry` and write the file, keeping its comments and the other entries.

        Returns:
            False where that was locked already, and nothing was written.

        Raises:
            ConfigError: the file cannot be written.
        """
        import tomlkit  # Here, because only `bakewell lock` writes.

        if self._entries.get(name, {}).get(cloud) == entry:
            return False
        text = read_text(self.path, "bases.lock") if self.path.exists() else ""
        document = tomlkit.parse(text)
        base = document.setdefault(name, tomlkit.table(is_super_table=True))
        table = base.setdefault(cloud, tomlkit.table())
        for key, value in entry.model_dump(exclude={"ids"}).items():
            table[key] = value
        ids = table.setdefault("ids", tomlkit.table())
        for region in [region for region in ids if region not in entry.ids]:
            del ids[region]
        ids.update(dict(sorted(entry.ids.items())))
        if not ids:
            del table["ids"]
        _replace(self.path, tomlkit.dumps(document))
        self._entries.setdefault(name, {})[cloud] = entry
        return True


def _replace(path: Path, text: str) -> None:
    """Write the whole file or none of it."""
    new = path.with_name(path.name + ".new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        remedy = "make its folder writable, or free some space"
        raise ConfigError(f"bases.lock cannot be written: {error.strerror}", file=path, remedy=remedy) from error
