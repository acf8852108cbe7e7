"""Trainings on the disk: a visitor finds them again though the server was ended.

Each visitor has a folder, called by a digest of their token, and each training a file in it. Its
child process writes that anew every few seconds, whole or not at all; a checksum tells whether it
is what was written. No name comes from a visitor.
"""

import hashlib
import os
import re
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast, get_args

from dashboard.frames import packed, unpacked
from dashboard.limits import KEPT_BYTES, KEPT_FILES
from dashboard.places import State
from dashboard.seen import Seen
from rnnviz.config import TrainConfig
from rnnviz.runfile.limits import FOLDER, SENTENCE, called, short
from rnnviz.runfile.whole import PART, write_whole

EVERY: Final = 3.0
"""Seconds of work that may be lost, and what the step in between takes."""
ENDING: Final = ".training"
MAGIC: Final = b"rnnviz-training 1\n"
"""A file begins with this; then come a SHA-256 and the frame that it is of."""
_START: Final = len(MAGIC) + hashlib.sha256().digest_size
_NAME: Final = re.compile(r"(\d+)-[0-9a-f]{16}" + re.escape(ENDING))


@dataclass(frozen=True, slots=True)
class Kept:
    """A training as far as it had come, and what it is found as."""

    seen: Seen
    wanted: TrainConfig
    state: State
    sentence: str = ""


def write(path: Path, kept: Kept) -> None:
    """Put it into a file, in the place of what was there.

    Raises
    ------
    OSError
        If there is no room, no right or no folder: with the bytes that are needed and free.
    """
    words = {"wanted": kept.wanted.model_dump_json(), "state": kept.state}
    body = packed({**kept.seen.arrays(), **words, "sentence": kept.sentence})
    write_whole(path, b"".join((MAGIC, hashlib.sha256(body).digest(), body)))


def read(path: Path) -> Kept:
    """What ``write`` put into a file: never other numbers.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    OSError
        If it cannot be opened.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC):
        raise ValueError(f"{called(path)} is no training of this version of rnnviz")
    body = data[_START:]
    if hashlib.sha256(body).digest() != data[len(MAGIC) : _START]:
        raise ValueError(f"{called(path)} is damaged: it is not what was written")
    try:
        frame = unpacked(body)
        wanted = TrainConfig.model_validate_json(str(frame["wanted"]))
        state = str(frame["state"])
        if state not in get_args(State):
            raise ValueError(f"state must be one of {get_args(State)}, got {short(state)}")
        seen = Seen.from_arrays(frame)
    except (ValueError, KeyError, TypeError, IndexError) as cause:
        sentence = short(cause, SENTENCE)
        raise ValueError(f"{called(path)} does not fit this version: {sentence}") from None
    return Kept(seen, wanted, cast(State, state), str(frame["sentence"]))


def why_not(path: Path, cause: OSError | MemoryError) -> str:
    """Why a training is not kept, without a path of this machine."""
    if isinstance(cause, MemoryError):
        return "there is too little memory to write it"
    return str(cause.strerror).replace(str(path.parent), "of trainings")


def root() -> Path:
    """Where all of them are: within the server's folder of runs, else with the user's own state."""
    if named := os.environ.get(FOLDER):
        return Path(named) / ".trainings"
    if named := os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME"):
        return Path(named) / "rnnviz" / "trainings"
    return Path(os.path.expanduser("~")) / ".local" / "state" / "rnnviz" / "trainings"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One visitor's files."""

    folder: Path

    @classmethod
    def of(cls, token: str) -> "Shelf":
        """Those of the visitor who has this token, which stands nowhere in them."""
        return cls(root() / hashlib.sha256(token.encode()).hexdigest()[:32])

    def paths(self) -> list[Path]:
        """All there are, in the order in which they were begun, whatever the clock said."""
        found = self.folder.glob(f"*{ENDING}")
        return sorted((path for path in found if _NAME.fullmatch(path.name)), key=_in_order)

    def new(self) -> Path:
        """A path like no other, behind all there are.

        Raises
        ------
        OSError
            If there can be no folder.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        number = max((_in_order(path)[0] for path in self.paths()), default=0) + 1
        return self.folder / f"{number:06d}-{secrets.token_hex(8)}{ENDING}"


def _in_order(path: Path) -> tuple[int, str]:
    return int(path.name.partition("-")[0]), path.name


def make_room(most_bytes: int = KEPT_BYTES, most_files: int = KEPT_FILES) -> None:
    """Remove the files that were written longest ago, until so many and so much are left."""
    found = sorted(_files(ENDING))
    count, size = len(found), sum(nbytes for _, nbytes, _ in found)
    for _, nbytes, path in found:
        if count <= most_files and size <= most_bytes:
            return
        with suppress(OSError):
            path.unlink()
            path.parent.rmdir()  # unless there are others in it
        count, size = count - 1, size - nbytes


def sweep_up() -> None:
    """Remove what a server that was killed was still writing."""
    for _, _, path in _files(PART):
        with suppress(OSError):
            path.unlink()


def _files(ending: str) -> Iterator[tuple[int, int, Path]]:
    """When each file of this ending was written, its size and its path."""
    for path in root().glob(f"*/*{ending}"):
        with suppress(OSError):  # gone in the meantime
            found = path.stat()
            yield found.st_mtime_ns, found.st_size, path


class Keeper:
    """Keeps a training in its file while it goes on."""

    def __init__(self, path: str, seen: Seen, wanted: TrainConfig) -> None:
        self.seen, self.wanted = seen, wanted
        """What has come of it, and the settings that it goes on with."""
        self._path = Path(path)
        self._is_kept = bool(path)
        self._due = time.monotonic() + EVERY

    @property
    def is_due(self) -> bool:
        """Whether it is time again."""
        return self._is_kept and time.monotonic() >= self._due

    def begin(self) -> None:
        """It goes on after a pause: have that told soon."""
        self._due = 0.0

    def keep(self, state: State, sentence: str = "") -> str:
        """Write all of it as what is to be found; why that cannot be, or nothing."""
        if not self._is_kept:
            return ""
        began = time.monotonic()
        try:
            if not self._path.exists():  # the server has dropped it
                return "its file in the folder of trainings is gone"
            write(self._path, Kept(self.seen, self.wanted, state, sentence))
        except (OSError, MemoryError) as cause:
            return why_not(self._path, cause)
        finally:
            took = time.monotonic() - began
            self._due = began + took + max(EVERY - 2 * took, took)
        return ""
