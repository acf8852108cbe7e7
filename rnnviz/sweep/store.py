"""A folder that keeps a sweep's finished chunks, one Parquet file with one row group each.

A file is written beside its place and then moved there, so that a folder holds whole chunks only,
whenever its writer ends; and it says of which sweep it is.
"""

import hashlib
import os
from pathlib import Path

import pandas as pd

from rnnviz.config import SweepConfig
from rnnviz.sweep.chunks import Chunk

_MARK = b"rnnviz.sweep"


def fingerprint(config: SweepConfig) -> str:
    """What equal sweeps share, and no other has."""
    return hashlib.sha256(config.model_dump_json().encode()).hexdigest()


class Store:
    """The finished chunks of one sweep.

    Raises
    ------
    ValueError
        If the folder holds another sweep's chunks.
    """

    def __init__(self, folder: str | os.PathLike[str], config: SweepConfig) -> None:
        self.folder = Path(folder)
        self._of = fingerprint(config).encode()
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob("*.part"):
            left.unlink(missing_ok=True)
        (self.folder / "sweep.json").write_text(config.model_dump_json(indent=2), "utf-8")

    def get(self, chunk: Chunk) -> pd.DataFrame | None:
        """The rows of a chunk; None if it is not there, or is torn."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self._path(chunk)
        if not path.exists():
            return None
        try:
            table = pq.read_table(path)
        except (pa.ArrowException, OSError):
            return None
        if (table.schema.metadata or {}).get(_MARK) != self._of:
            raise ValueError(f"{path} must be of this sweep, got a chunk of another")
        frame = table.to_pandas()
        return frame if tuple(frame.index) == chunk.rows else None

    def put(self, chunk: Chunk, frame: pd.DataFrame) -> None:
        """Keep the rows of a chunk, for good when this returns."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(frame)
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _MARK: self._of})
        path = self._path(chunk)
        part = path.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            pq.write_table(table, file, row_group_size=len(frame))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def _path(self, chunk: Chunk) -> Path:
        return self.folder / f"chunk-{chunk.number:06d}.parquet"
