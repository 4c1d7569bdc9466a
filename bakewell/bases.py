"""packer/bases.lock: the exact stock image of each base on each cloud, and the checksums of downloads.
Committed; only `bakewell lock` changes it.

    [debian-12.digitalocean]
    image = "debian-12-x64"          # the slug, used if no ID is locked
    name = "12 x64"                  # the image's name when it was locked
    date = "2026-11-02"
    [debian-12.digitalocean.ids]     # region -> ID; if there are IDs, only these are used
    nyc3 = "1234"

    [downloads.consul."1.17.1"]      # SHA-256 by processor, as the vendor published it
    x86_64 = "<64 hex>"

Image, name and date are part of fingerprints. IDs are not, so a further region rebuilds nothing. A checksum is part of
the fingerprints of the images that install the file. This module calls no cloud and no vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, RootModel

from bakewell.downloads import Arch, Digest, Version
from bakewell.errors import ConfigError, file_error
from bakewell.reading import Model, Name, Slug, checked, did_you_mean, looking, read_text, read_toml

_Text = Annotated[str, Field(min_length=1, max_length=255)]


DOWNLOADS = "downloads"
"""The name of the table of checksums; a base cannot have this name."""


class BaseEntry(Model):
    """One base on one cloud.

    Attributes:
        image: the cloud's name for the image: a slug, or the query for an AMI.
        name: the image's name when it was locked.
        date: when the vendor published the image: YYYY-MM-DD.
        ids: region -> image ID; empty if builds start from `image`.
    """

    image: _Text
    name: _Text
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    ids: dict[Slug, _Text] = Field(default_factory=dict)

    @property
    def searched(self) -> bool:
        """Whether `image` is only a query for the image, so that machines can start from an ID alone."""
        return "/" in self.image or self.image.startswith("ssm:")


class _Lock(RootModel[dict[Slug, dict[Slug, BaseEntry]]]):
    pass


class _Downloads(Model):
    downloads: dict[Name, dict[Version, dict[Arch, Digest]]]


_Checksums = Mapping[str, Mapping[str, Mapping[Arch, str]]]


class Bases:
    """The bases and the downloads that are locked.

    Attributes:
        path: the lock file.
        mirror: a file with checksums that replace those of the lock file; None for the lock file's own.
    """

    def __init__(
        self,
        path: Path,
        entries: Mapping[str, Mapping[str, BaseEntry]],
        downloads: _Checksums | None = None,
        mirror: Path | None = None,
    ) -> None:
        self.path = path
        self.mirror = mirror
        self._entries = {name: dict(clouds) for name, clouds in entries.items()}
        self._downloads = {name: dict(versions) for name, versions in (downloads or {}).items()}

    @classmethod
    def load(cls, path: Path, mirror: Path | None = None) -> Bases:
        """Read the lock file. A missing file locks nothing.

        Args:
            mirror: a file like the `downloads` table, with checksums that replace it (`Environment.downloads`).

        Raises:
            ConfigError: the file is unreadable, is not TOML, or has an unknown key, a wrong type or a bad checksum.
        """
        with looking("bases.lock", path):
            missing = not path.exists()
        data = {} if missing else read_toml(path, "bases.lock")
        downloads = _checksums({DOWNLOADS: data.pop(DOWNLOADS, {})}, path, "bases.lock")
        if mirror is not None:
            downloads = _mirrored(mirror)
        for name, clouds in data.items():
            for cloud, entry in clouds.items() if isinstance(clouds, dict) else ():
                if isinstance(entry, dict):
                    checked(BaseEntry, entry, file=path, what=f"base {name}.{cloud}")
        return cls(path, checked(_Lock, data, file=path, what="bases.lock").root, downloads, mirror)

    @property
    def names(self) -> frozenset[str]:
        """The names that are locked, on whichever cloud."""
        return frozenset(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def find(self, name: str, cloud: str) -> BaseEntry | None:
        """The lock of base `name` on `cloud`; None if the base is not locked."""
        return self._entries.get(name, {}).get(cloud)

    def entry(self, name: str, cloud: str) -> BaseEntry:
        """The lock of base `name` on `cloud`. Raises ConfigError if the base is not locked."""
        check_name(name)
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
        """The base image for Packer in `region`: the locked ID, or `image` if no IDs are locked.

        Raises:
            ConfigError: the base is not locked, or locked for other regions only.
        """
        entry = self.entry(name, cloud)
        if region not in entry.ids and (entry.ids or entry.searched):
            there = ", ".join(sorted(entry.ids)) or "no region"
            raise ConfigError(
                f"base `{name}` is locked on {cloud} for {there}, but not for {region}",
                file=self.path,
                remedy=f"run: bakewell lock {name}",
            )
        return entry.ids.get(region, entry.image)

    def versions(self, download: str) -> list[str]:
        """The versions of a download whose checksums are known."""
        return sorted(self._downloads.get(download, {}))

    def checksums(self, download: str, version: str) -> dict[Arch, str]:
        """Processor -> SHA-256, 64 hex digits; {} if the version is not locked."""
        return dict(self._downloads.get(download, {}).get(version, {}))

    def update(self, cloud: str, name: str, entry: BaseEntry) -> bool:
        """Lock `name` on `cloud` to `entry` and write the file, keeping its comments and the other entries.

        Returns:
            False if the same entry was locked already; then nothing is written.

        Raises:
            ConfigError: the file cannot be written.
        """
        import tomlkit  # Here, because only `bakewell lock` writes.

        check_name(name)
        if self._entries.get(name, {}).get(cloud) == entry:
            return False
        document = self._document()
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

    def update_download(self, name: str, version: str, found: Mapping[Arch, str]) -> bool:
        """Lock the checksums of one version, keeping comments, other versions and locked processors.

        Returns:
            False if the same checksums were locked already; then nothing is written.

        Raises:
            ConfigError: a different checksum is locked (the vendor replaced the file, which people must review), or the
                file cannot be written.
        """
        import tomlkit  # Here, because only `bakewell lock` writes.

        if self.mirror is not None:
            raise ValueError("checksums of a mirror are not the vendor's, so nothing is locked beside them")
        locked = self.checksums(name, version)
        for arch, digest in found.items():
            if locked.get(arch, digest) != digest:
                raise ConfigError(
                    f"{name} {version} for {arch}: its vendor now says {digest}, but {locked[arch]} is locked",
                    file=self.path,
                    remedy=f"find out why the vendor replaced it; to take it all the same, remove `{arch}` below "
                    f'[{DOWNLOADS}.{name}."{version}"] and run: bakewell lock {name}',
                )
        new = {**found, **locked}
        if new == locked:
            return False
        document = self._document()
        table: Any = document
        for key in (DOWNLOADS, name):
            table = table.setdefault(key, tomlkit.table(is_super_table=True))
        table.setdefault(version, tomlkit.table()).update(dict(sorted(found.items())))
        _replace(self.path, tomlkit.dumps(document))
        self._downloads.setdefault(name, {})[version] = new
        return True

    def _document(self) -> Any:
        """The lock file as it is now, with its comments."""
        import tomlkit

        return tomlkit.parse(read_text(self.path, "bases.lock") if self.path.exists() else "")


def check_name(base: str) -> None:
    """Refuse the reserved name. Raises ConfigError."""
    if base == DOWNLOADS:
        raise ConfigError(
            f"`{DOWNLOADS}` can name no base: bases.lock has the checksums of downloads under that name",
            remedy="give the base another name",
        )


def _mirrored(path: Path) -> _Checksums:
    what = "the file of checksums that BAKEWELL_DOWNLOADS names"
    with looking(what, path):
        if not path.exists():
            remedy = "have `bakewell local up` write it, or unset BAKEWELL_DOWNLOADS"
            raise ConfigError(f"{what} is missing", file=path, remedy=remedy)
    return _checksums({DOWNLOADS: read_toml(path, what)}, path, what)


def _checksums(data: Mapping[str, Any], path: Path, what: str) -> _Checksums:
    return checked(_Downloads, data, file=path, what=what).downloads


def _replace(path: Path, text: str) -> None:
    """Write the whole file or none of it."""
    new = path.with_name(path.name + ".new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        remedy = "make its folder writable"
        raise file_error(error, "bases.lock cannot be written", file=path, remedy=remedy) from error
