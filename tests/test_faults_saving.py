"""Saving without room, right, folder or quiet: all of the old file is there, or of the new."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import rnnviz as rv

ROOT = Path(__file__).parents[1]
UNIX = pytest.mark.skipif(os.name == "nt", reason="limits and rights are those of Unix")


@pytest.fixture(scope="module")
def record():
    return rv.run(rv.RunConfig(hidden_size=5, steps=7, batch_size=3))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


FULL = """
import resource, sys, rnnviz as rv
record = rv.run(rv.RunConfig(hidden_size=9, steps=7, batch_size=3))
for limit in (1000, 0):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        rv.save_run(sys.argv[1], record)
    except OSError as error:
        print(error.strerror)
"""


@UNIX
def test_a_full_disk_leaves_the_old_run_and_is_told_with_its_figures(record, tmp_path):
    path = rv.save_run(tmp_path / "a.safetensors", record)
    before = path.read_bytes()
    said = subprocess.check_output([sys.executable, "-c", FULL, str(path)], cwd=ROOT, text=True)
    figures = r"([\d,]+) bytes: File too large, with [\d,]+ bytes free"
    whole = re.findall(f"^the folder {tmp_path} takes no file of {figures}$", said, re.M)
    assert [int(needed.replace(",", "")) > 1000 for needed in whole] == [True, True]
    assert path.read_bytes() == before
    assert names(tmp_path) == ["a.safetensors"]


def mounted(tmp_path: Path, options: str) -> Path:
    """A folder that is a disk of its own; only root can have one."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(place)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a disk can be mounted here by nobody")
    return place


def test_a_disk_that_is_really_full_takes_nothing_and_loses_nothing(record, tmp_path):
    disk = mounted(tmp_path, "size=128k")
    try:
        path = rv.save_run(disk / "a.safetensors", record)
        before = path.read_bytes()
        (disk / "rest").write_bytes(bytes((os.statvfs(disk).f_bavail - 1) * 4096))
        with pytest.raises(OSError, match=r"No space left on device, with [\d,]+ bytes free"):
            rv.save_run(path, record)
        assert path.read_bytes() == before
        assert names(disk) == ["a.safetensors", "rest"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_only_read_is_told_of(record, tmp_path):
    disk = mounted(tmp_path, "size=1m")
    try:
        path = rv.save_run(disk / "a.safetensors", record)
        before = path.read_bytes()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(OSError, match=f"the folder {disk} takes no file of .*Read-only"):
            rv.save_run(path, record)
        assert (path.read_bytes(), names(disk)) == (before, ["a.safetensors"])
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_folder_that_is_gone_is_told_of(record, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*gone takes no file of .* told"):
        rv.save_run(tmp_path / "gone" / "a.safetensors", record)
    assert names(tmp_path) == []


MANY = """
import sys, rnnviz as rv
record = rv.run(rv.RunConfig(hidden_size=int(sys.argv[2]), steps=3, batch_size=2))
for n in range(100):
    rv.save_run(sys.argv[1], record, name=f"{sys.argv[2]}-{n}", replace=False)
"""


def test_of_two_processes_that_save_under_one_name_each_keeps_its_hundred(tmp_path):
    path = tmp_path / "same.safetensors"
    command = [sys.executable, "-c", MANY, str(path)]
    both = [subprocess.Popen([*command, size], cwd=ROOT) for size in ("3", "4")]
    assert [process.wait(120) for process in both] == [0, 0]
    found = rv.runs(tmp_path)
    assert found.skipped == ()
    assert sorted(head.name for head in found.heads) == sorted(
        f"{size}-{n}" for size in (3, 4) for n in range(100)
    )
    assert len(set(names(tmp_path))) == len(names(tmp_path)) == 200
    for head in found.heads[::20]:
        saved = rv.load_run(tmp_path / head.file)
        assert saved.record.network.layers[0].cell.hidden_size == int(head.name[0])


def test_a_folder_without_second_names_keeps_all_too(record, tmp_path, monkeypatch):
    def refuses(*_):
        raise PermissionError("there are no hard links here")

    monkeypatch.setattr(os, "link", refuses)
    paths = [rv.save_run(tmp_path / "a.safetensors", record, replace=False) for _ in range(3)]
    assert [path.name for path in paths] == [
        "a.safetensors",
        "a-2.safetensors",
        "a-3.safetensors",
    ]
    assert names(tmp_path) == sorted(path.name for path in paths)
    assert np.array_equal(rv.load_run(paths[2]).record.dh, record.dh)
