"""The runs of this host: which builds are under way, and which died here.

A run is one file, `<state_dir>/runs/<run>.lock`: its text says what the run may have made in the cloud, and the lock
on it (flock) is held by the build and by its supervisor. A file that nobody holds is a run that died; it stays until
the reaper has removed what the run left. Private keys and staged contexts lie in `<state_dir>/runs/<run>/` (0700).

flock rather than filelock: the supervisor has to inherit the lock, which belongs to the open file, not to a process.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bakewell.errors import BakewellError, file_error
from bakewell.reading import LIMIT, open_regular

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """What a run may have made, and where.

    Attributes:
        endpoint: the API it was made with; other APIs cannot tell whether it is still there.
        name: of the image it was to make.
        lease: Unix time, by the cloud, after which the run is over in any case.
    """

    run: str
    project: str
    role: str
    cloud: str
    endpoint: str
    name: str
    fingerprint: str
    lease: int


class Run:
    """A run whose lock this process holds. Made by `begin` or `claim`."""

    def __init__(self, record: Record, path: Path, fd: int) -> None:
        self.record = record
        self.fd = fd
        self._path = path

    @property
    def folder(self) -> Path:
        """The run's own directory; it exists only while the run does."""
        return self._path.with_suffix("")

    def make_key(self) -> str:
        """Write a new private key to `key` in the run's folder (0600); the public key, as one line.

        ed25519 in OpenSSH's format: paramiko, which provisions, cannot read the keys that Packer itself would make.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        with os.fdopen(os.open(self.folder / "key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(private)
        return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()

    def finish(self) -> None:
        """Forget the run: nothing of it is left anywhere. A record that cannot be deleted is the next command's."""
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s cannot be deleted: %s", self._path, error.strerror)
        self.release()

    def release(self) -> None:
        """Let go of the lock and keep the record: the reaper will see to the rest. Secrets do not wait for it."""
        if self.fd >= 0:
            shutil.rmtree(self.folder, ignore_errors=True)
            fd, self.fd = self.fd, -1
            with suppress(OSError):  # closed all the same: only a record's last bytes could be lost, long written
                os.close(fd)


def begin(state_dir: Path, record: Record) -> Run:
    """Write the record and lock it, before anything is made in the cloud.

    Raises:
        BakewellError: the state directory cannot be written.
    """
    path = _folder(state_dir) / f"{record.run}.lock"
    fresh = path.with_suffix(".new")  # locked under this name first, so that no reaper ever finds it free
    fd = -1
    try:
        make_private(path.parent)
        fd = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(fd, json.dumps(asdict(record), indent=1).encode())
        path.with_suffix("").mkdir(mode=0o700)
        fresh.rename(path)
    except OSError as error:
        if fd >= 0:
            Run(record, fresh, fd).finish()
        raise unwritable(state_dir, error) from error
    return Run(record, path, fd)


def claim(state_dir: Path, run: str) -> Run | None:
    """Take over a dead run; None where it is alive (somebody holds its lock), unknown or already gone."""
    path = _folder(state_dir) / f"{run}.lock"
    with reading(state_dir):
        try:
            fd = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return None
        claimed: Run | None = None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            record = _read(path)
            if record is not None and path.exists():  # or another reaper finished it in between
                claimed = Run(record, path, fd)
        except BlockingIOError:
            return None
        finally:
            if claimed is None:
                os.close(fd)
        return claimed


def known(state_dir: Path) -> Iterator[Record]:
    """Every run of this host that is under way or died here."""
    with reading(state_dir):
        records = [_read(path) for path in sorted(_folder(state_dir).glob("*.lock"))]
    yield from (record for record in records if record is not None)


def is_known(state_dir: Path, run: str) -> bool:
    """True when `run` was begun on this host and is under way, or died."""
    return there(_folder(state_dir) / f"{run}.lock")


def there(path: Path) -> bool:
    """Whether a file of the state directory exists. Raises BakewellError where that cannot be told."""
    with reading(path.parent):
        return path.exists()


def make_private(folder: Path) -> None:
    """Create `folder` for this user alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def unwritable(folder: Path, error: OSError) -> BakewellError:
    """The error for a state directory that cannot be used."""
    return file_error(
        error,
        "the state directory cannot be written",
        file=error.filename or folder,
        remedy="correct its owner, or set BAKEWELL_STATE to a directory of yours",
        kind=BakewellError,
    )


@contextmanager
def reading(state_dir: Path) -> Iterator[None]:
    """Around looks at records: one that cannot be read is no sign that there is none.

    Raises:
        BakewellError: the state directory cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise file_error(
            error,
            "the state directory cannot be read",
            file=error.filename or state_dir,
            remedy="correct its owner, or set BAKEWELL_STATE to a directory of yours",
            kind=BakewellError,
        ) from error


def _folder(state_dir: Path) -> Path:
    return state_dir / "runs"


def _read(path: Path) -> Record | None:
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            record = Record(**json.loads(file.read(LIMIT)))
        kinds = {name: type(value) for name, value in asdict(record).items()}
        if record.run != path.stem or kinds != {name: int if name == "lease" else str for name in kinds}:
            raise ValueError("it names another run, or a value of it is no text")
        return record
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, RecursionError) as error:
        log.warning("%s is no record of a run (%s); remove it if no build is running", path, error)
        return None
