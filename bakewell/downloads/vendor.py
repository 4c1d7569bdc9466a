"""What a vendor says a file's SHA-256 is, read over https. Only `bakewell lock` asks; nothing is written here."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urljoin

from bakewell import proxy
from bakewell.downloads.declared import Arch, Declared
from bakewell.errors import BakewellError, ConfigError
from bakewell.urls import shown

LIMIT = 1_000_000
"""Bytes of a checksums file; vendors' have a few thousand."""

_REDIRECTS = 5
_LINE = re.compile(r"^([0-9A-Fa-f]{64})[ \t]+\*?(\S.*)$")
_BARE = re.compile(r"[0-9A-Fa-f]{64}")
_GONE = (404, 410)


def checksums(one: Declared, version: str, stated: Path) -> dict[Arch, str]:
    """The SHA-256 of each processor's file, 64 hex digits in lower case; those that the vendor does not list are out.

    Args:
        stated: the image.toml that states the version, for messages.

    Raises:
        ConfigError: the vendor has no such version, or lists none of the files.
        BakewellError: the vendor cannot be reached, or answers with what is no list of checksums.
    """
    thing, download = f"{one.name} {version}", one.download
    read: dict[str, str | None] = {}
    found: dict[Arch, str] = {}
    for arch in download.arch:
        url = download.checksums_url(version, arch)
        if url not in read:
            read[url] = _fetch(url, thing, stated)
        text = read[url]
        if text is None:
            continue
        alone = len({download.file_url(version, a) for a in download.arch if download.checksums_url(version, a) == url})
        name = download.file_url(version, arch).rpartition("/")[2]
        digests = listed(text, name, alone=alone == 1)
        if len(digests) > 1:
            raise _failed(f"{thing}: {url} has {len(digests)} checksums of {name}", "ask the vendor which one is meant")
        found.update((arch, digest) for digest in digests)
    if all(text is None for text in read.values()):
        raise ConfigError(
            f"{thing}: the vendor has no such version (404 at {next(iter(read))})",
            file=stated,
            remedy=f"correct `{one.name}` under [versions]",
        )
    if not found:
        names = ", ".join(download.file_url(version, arch).rpartition("/")[2] for arch in download.arch)
        raise ConfigError(
            f"{thing}: {', '.join(read)} lists no checksum of {names}",
            file=one.file,
            remedy=f"correct `url`, `checksums` or `arch` of [{one.name}]",
        )
    return found


def listed(text: str, name: str, *, alone: bool) -> frozenset[str]:
    """Every SHA-256 that `text` gives for the file `name`, in lower case: from lines `<hex>  name` or `<hex> *name`.

    Args:
        alone: the text is about this file only, so that it may also be nothing but the hex.
    """
    if alone and _BARE.fullmatch(text.strip()):
        return frozenset({text.strip().lower()})
    lines = filter(None, (_LINE.match(line.strip()) for line in text.splitlines()))
    return frozenset(line[1].lower() for line in lines if line[2].rpartition("/")[2] == name)


def _fetch(url: str, thing: str, stated: Path) -> str | None:
    """The text at `url`; None where there is no such page."""
    import urllib3  # Here, because it takes longer to load than a preview's checks, which do without.

    timeout = urllib3.Timeout(connect=10, read=30)
    again = urllib3.Retry(
        total=2,
        other=0,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    where = url
    try:
        for _ in range(_REDIRECTS + 1):
            with proxy.pool(where, timeout=timeout, headers={"User-Agent": "bakewell"}) as pool:
                answer = pool.request("GET", where, redirect=False, preload_content=False, retries=again)
                with answer:
                    location = answer.get_redirect_location()
                    if not location:
                        return _text(answer.status, answer.read(LIMIT + 1), where, thing, stated)
            where = urljoin(where, location)
            if not where.startswith("https://"):
                raise _failed(f"{thing}: {url} leads to {shown(where)}, which is not https")
    except urllib3.exceptions.HTTPError as error:
        cause = error.reason if isinstance(error, urllib3.exceptions.MaxRetryError) and error.reason else error
        if isinstance(cause, urllib3.exceptions.ProxyError):
            raise _failed(f"{thing}: {proxy.trouble(where, cause)}", proxy.remedy(where)) from error
        what = f"{thing}: no answer from {shown(where)} ({cause})"
        raise _failed(what, "check the network, then run it again") from error
    raise _failed(f"{thing}: {url} is redirected more than {_REDIRECTS} times")


def _text(status: int, body: bytes, url: str, thing: str, stated: Path) -> str | None:
    if status in _GONE:
        return None
    if status != 200:
        raise _failed(
            f"{thing}: {url} answers {status}",
            f"check the version in {stated} (some vendors answer so where there is none), or try again later",
        )
    if len(body) > LIMIT:
        raise _failed(f"{thing}: {url} has more than {LIMIT} bytes, so it is no list of checksums")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _failed(f"{thing}: {url} is no text, so it is no list of checksums") from None


def _failed(what: str, remedy: str = "correct `checksums` in the step's downloads.toml") -> BakewellError:
    return BakewellError(what, remedy=remedy)
