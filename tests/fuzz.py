"""Mutants of good files, format by format: a sentence, or numbers that are truly in the file.

``python -m tests.fuzz [format ...]`` reads 2,000 of each format, as ``make fuzz`` does; the suite
reads fewer. They are read in a process with little memory and little time, which is started again
where a mutant ends it. Which mutant is which depends on the format and its number alone:
``mutant("csv", 17)``.
"""

import argparse
import io
import json
import math
import os
import re
import resource
import subprocess
import sys
import time
import tomllib
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlencode

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import hostile_models  # noqa: E402
import hostile_runs  # noqa: E402

import rnnviz as rv  # noqa: E402
from dashboard.link import FIELDS, State, from_query, to_query  # noqa: E402
from rnnviz.config.file import parse_config  # noqa: E402
from rnnviz.interop import read_arrays, read_table, recognise, zips  # noqa: E402
from rnnviz.interop.hdf5 import read_hdf5  # noqa: E402
from rnnviz.interop.parquet import read_parquet  # noqa: E402

COUNT = 2_000
SLOW = 2.0
"""Processor seconds that a mutant may take."""
ENDED_AFTER = 10
"""Processor seconds after which a mutant is ended."""
MEMORY = 1 << 30
"""Address space beyond that of the libraries."""
MALLOC = {"ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Arrow's own allocator would take all of that at once."""
LONGEST = 500
"""Characters of a sentence about a file."""
LONGEST_NOTICE = 1_000
"""Of one about a link, which may name every setting that there is."""


class Format(NamedTuple):
    """How a format is read, and what has to be true of what was read."""

    good: Callable[[], bytes]
    read: Callable[[bytes], Any]
    wrong: Callable[[bytes, Any], str]
    """What is silently different in a mutant that was read; empty where nothing is."""
    is_apart: bool = False
    """Whether visitors' files are read in a process of their own, which may end badly."""


@cache
def csv() -> bytes:
    rows = "\n".join(f"2020-01-{n:02},{n / 7:.3f},{n}" for n in range(1, 29))
    return f"when,a,b\n{rows}\n".encode()


def not_in_text(data: bytes, table: Any) -> str:
    """A number of a table that no word of its text spells."""
    text = data.decode("utf-8-sig", "replace")
    words = {*re.split(r'[,;|\s"]+', text), *re.split(r'[;|\s"]+', text.replace(",", "."))}
    spelled = {
        float(word)
        for word in words
        if re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", word)
        and word.count(".") < 2
        and re.search(r"\d", word)
    }
    if re.search("true|false", text, re.IGNORECASE):
        spelled |= {0.0, 1.0}
    found = set(table.values[~np.isnan(table.values)].tolist())
    return f"{sorted(found - spelled)[:3]} is not in its text" if found - spelled else ""


NUMBERS = np.arange(28)
DAYS = np.datetime64("2020-01-01") + NUMBERS


@cache
def parquet() -> bytes:
    body = io.BytesIO()
    columns = pa.table({"when": DAYS, "a": NUMBERS / 7, "b": NUMBERS})
    pq.write_table(columns, body, write_page_checksum=True)
    return body.getvalue()


def other_columns(_: bytes, found: Mapping[str, Any]) -> str:
    """A column that is not in the file; its footer, with the names and kinds, has no checksum."""
    written = (DAYS.astype(int), NUMBERS / 7, NUMBERS)
    for column in found["values"].T:
        if not any(np.array_equal(column, one) for one in written):
            return f"{column[:3]} is no column of it"
    return "" if np.array_equal(found.get("dates", DAYS), DAYS) else "other dates"


def other_arrays(good: Callable[[], bytes], read: Callable[[bytes], Any]) -> Any:
    """Of a format with checksums, every array is as it was written."""

    def wrong(_: bytes, found: Mapping[str, Any]) -> str:
        kept = read(good())
        same = found.keys() == kept.keys() and all(
            np.array_equal(found[name], kept[name], equal_nan=True) for name in kept
        )
        return "" if same else "arrays differ"

    return wrong


def npz(data: bytes) -> Mapping[str, Any]:
    arrays = read_arrays(data, "a.npz")
    recognise(arrays).network()
    return arrays


def safetensors(data: bytes) -> Mapping[str, Any]:
    arrays = read_arrays(data, "a.safetensors")
    recognise(arrays).network()
    return arrays


def other_tensors(data: bytes, found: Mapping[str, Any]) -> str:
    """A tensor that is not at its place in the file."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    kinds = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "BOOL": "?"}
    for name, told in header.items():
        if name != "__metadata__" and told["dtype"] in kinds:
            flat = np.frombuffer(body[slice(*told["data_offsets"])], kinds[told["dtype"]])
            if not np.array_equal(found[name].ravel(), flat.astype(found[name].dtype), True):
                return f"{name} is another"
    return ""


def h5(data: bytes) -> Mapping[str, Any]:
    arrays = read_hdf5(data, "a.h5")
    recognise(arrays).network()
    return arrays


@cache
def keras_file() -> bytes:
    return hostile_models.keras("{}", hostile_models.hdf5(hostile_models.simple_rnn))


def keras(data: bytes) -> Mapping[str, Any]:
    """As ``read_arrays`` does, in this process."""
    archive = zips.opened(data, "a.keras")
    if "model.weights.h5" not in archive.namelist():
        raise ValueError("a.keras must hold model.weights.h5")
    return h5(zips.member(archive, archive.getinfo("model.weights.h5"), "a.keras"))


def run_arrays(data: bytes) -> Mapping[str, Any]:
    saved = rv.load_run(data, "a.safetensors")
    return {"dh": saved.record.dh, "rows": saved.history.rows, "loss": np.array(saved.record.loss)}


SETTINGS = {
    "cell": "lstm",
    "hidden_size": 12,
    "gain": 1.25,
    "task": "adding",
    "steps": 33,
    "learning_rate": 0.002,
    "model": {"hiden": 3},
    "seed": 7,
}


def toml() -> bytes:
    body = io.StringIO()
    for name, value in SETTINGS.items():
        if not isinstance(value, dict):
            print(name, "=", json.dumps(value), "# a remark", file=body)
    return body.getvalue().encode() + b'\n[model]\nhiden = 3\nnames = ["a", "b"]\n'


def other_settings(parse: Callable[[str], Any]) -> Any:
    """A setting that another parser does not find in the text."""

    def wrong(data: bytes, found: Any) -> str:
        told = parse(data.decode("utf-8-sig"))
        return (
            "" if all(told[name] == v for name, v in found.settings.items()) else "other settings"
        )

    return wrong


def query(data: bytes) -> Any:
    return from_query(parse_qs(data.decode(errors="replace"), keep_blank_values=True))


def other_link(data: bytes, found: Any) -> str:
    """A setting that is neither what the link spells nor where settings begin."""
    state, notices = found
    if not all(notice.isprintable() and len(notice) < LONGEST_NOTICE for notice in notices):
        return "a notice is too long, or not printable"
    told = parse_qs(data.decode(errors="replace"), keep_blank_values=True)
    first = rv.TrainConfig()
    for name in FIELDS:
        value, kept = getattr(state.config, name), getattr(first, name)
        texts = told.get(name, [""])
        if value != kept and (type(kept)(texts[-1]) != value):
            return f"{name} is {value}"
    return ""


FORMATS = {
    "csv": Format(csv, lambda data: read_table(data, "a.csv"), not_in_text),
    "parquet": Format(parquet, lambda data: read_parquet(data, "a.parquet"), other_columns,
                      is_apart=True),
    "npz": Format(hostile_models.npz, npz, other_arrays(hostile_models.npz, npz)),
    "safetensors": Format(hostile_models.safetensors, safetensors, other_tensors),
    "h5": Format(cache(lambda: hostile_models.hdf5(hostile_models.simple_rnn)), h5,
                 lambda *_: "", is_apart=True),
    "keras": Format(keras_file, keras, other_arrays(keras_file, keras), is_apart=True),
    "toml": Format(toml, lambda data: parse_config(data, "a.toml"), other_settings(tomllib.loads)),
    "json": Format(cache(lambda: json.dumps(SETTINGS, indent=1).encode()),
                   lambda data: parse_config(data, "a.json"), other_settings(json.loads)),
    "run": Format(hostile_runs.good, run_arrays, other_arrays(hostile_runs.good, run_arrays)),
    "link": Format(cache(lambda: urlencode(to_query(State())).encode()), query, other_link),
}  # fmt: skip


def mutant(name: str, number: int) -> bytes:
    """A good file with one to three faults: bits, a cut, a splice, a piece twice or gone."""
    rng = np.random.default_rng([zlib.crc32(name.encode()), number])
    data = bytearray(FORMATS[name].good())
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        start, other = sorted(int(place) for place in rng.integers(0, len(data) + 1, 2))
        piece = data[start : min(other, start + 300)]
        match rng.integers(6):
            case 0 | 1 if data:
                for place in rng.integers(0, len(data), rng.integers(1, 4)):
                    data[place] ^= 1 << int(rng.integers(8))
            case 2 if start > len(data) // 2:
                del data[start:]
            case 3:
                data[other : other + len(piece)] = piece
            case 4:
                data[start:start] = piece * int(rng.integers(1, 4))
            case _:
                del data[start : start + len(piece)]
    if data == FORMATS[name].good():
        data[len(data) // 2] ^= 1
    return bytes(data)


def fault(name: str, number: int) -> tuple[str, str]:
    """What came of a mutant, ``read`` or ``refused`` where all is well, and what is wrong."""
    form, data = FORMATS[name], mutant(name, number)
    started = time.process_time()
    try:
        found = form.read(data)
        what, why = "read", form.wrong(data, found)
    except ValueError as refused:
        what, why = "refused", ""
        if type(refused) is not ValueError:
            return "raised", f"{type(refused).__name__}: {str(refused)[:200]}"
        if not str(refused).isprintable() or not 0 < len(str(refused)) < LONGEST:
            return "said", f"not a sentence: {str(refused)[:200]!a}"
    except Exception as error:
        return "raised", f"{type(error).__name__}: {str(error)[:200]}"
    if (took := time.process_time() - started) > SLOW:
        return "slow", f"{took:.1f} s"
    return ("different", why) if why else (what, "")


@dataclass
class Told:
    """What came of the mutants of some formats."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By format and outcome."""
    faults: list[str] = field(default_factory=list)

    def add(self, name: str, number: int, what: str, why: str) -> None:
        contained = FORMATS[name].is_apart and (what == "ended" or "MemoryError" in why)
        self.counts[name, "apart" if contained else what] += 1
        if what not in ("read", "refused") and not contained:
            self.faults.append(f'mutant("{name}", {number}) {what}: {why}')


def fuzz(names: Iterable[str], count: int) -> Told:
    """Read so many mutants of each format, and start again behind each that ends the process."""
    told, names, at = Told(), tuple(names), 0
    while at < len(names) * count:
        words = [sys.executable, "-m", "tests.fuzz", *names, "--count", str(count)]
        with subprocess.Popen(
            [*words, "--read-from", str(at)],
            cwd=ROOT,
            env=os.environ | MALLOC,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout
            for line in process.stdout:
                name, number, what, why = json.loads(line)
                told.add(name, number, what, why)
                at += 1
        if at < len(names) * count:
            told.add(names[at // count], at % count, "ended", f"exit code {process.returncode}")
            at += 1
    return told


def read_from(names: list[str], count: int, first: int) -> None:
    """In the process that reads: one line for each mutant."""
    with open("/proc/self/statm") as file:
        limit = int(file.read().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for at in range(first, len(names) * count):
        name, number = names[at // count], at % count
        resource.setrlimit(
            resource.RLIMIT_CPU, (math.ceil(time.process_time()) + ENDED_AFTER, most)
        )
        print(json.dumps([name, number, *fault(name, number)]), file=answers, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("formats", nargs="*", help=f"of {', '.join(FORMATS)}; all if none")
    parser.add_argument("--count", type=int, default=COUNT, help="mutants of each format")
    parser.add_argument("--read-from", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    names = asked.formats or [*FORMATS]
    if unknown := set(names) - set(FORMATS):
        parser.error(f"formats must be of {[*FORMATS]}, got {sorted(unknown)}")
    if asked.read_from is not None:
        read_from(names, asked.count, asked.read_from)
        return 0
    faults = 0
    for name in names:
        started = time.monotonic()
        told = fuzz([name], asked.count)
        counts = ", ".join(f"{n:,} {what}" for (_, what), n in sorted(told.counts.items()))
        print(f"{name}: {counts} in {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
        for said in told.faults[:20]:
            print("  ", said, flush=True)  # noqa: T201
        faults += len(told.faults)
    return min(faults, 1)


if __name__ == "__main__":
    sys.exit(main())
