"""Threads share a few heaps, where there is glibc."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
COUNTED = """
import ctypes, sys, threading
from dashboard import heap

if sys.argv[1] == "shared":
    heap.share()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
at_once = threading.Barrier(9)

def work():
    libc.malloc(1000)
    at_once.wait()
    at_once.wait()

for _ in range(8):
    threading.Thread(target=work).start()
at_once.wait()
stream = ctypes.c_void_p(libc.fopen(sys.argv[2].encode(), b"w"))
libc.malloc_info(0, stream)
libc.fclose(stream)
at_once.wait()
heap.trim()
"""


def heaps(how: str, told: Path) -> int:
    """How many heaps eight threads have that all allocate something."""
    subprocess.run([sys.executable, "-c", COUNTED, how, str(told)], cwd=ROOT, check=True)
    return told.read_text().count("<heap nr=")


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_eight_threads_share_two_heaps(tmp_path):
    assert heaps("apart", tmp_path / "apart") > 2
    assert heaps("shared", tmp_path / "shared") == 2
