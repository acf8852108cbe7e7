"""Files that are there whole or not at all; what was there before stays until then."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """A path beside ``path``, of the same ending, that takes its place if nothing goes wrong.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with written(Path(folder) / "a.txt") as part:
    ...         _ = part.write_text("all of it")
    ...     [(path.name, path.read_text()) for path in Path(folder).iterdir()]
    [('a.txt', 'all of it')]
    """
    part = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    try:
        yield part
        part.replace(path)
    except OSError as error:  # a full disk names no file
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        part.unlink(missing_ok=True)
