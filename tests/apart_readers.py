"""Readers that a file could turn a library into, run in a process of their own by test_apart.py."""

import numpy as np


def plain(data, name):
    return {
        "bytes": np.frombuffer(data, np.uint8),
        "words": np.array([name, "é"]),
        "days": np.array(["2001-02-03"], "datetime64[ns]"),
    }


def refusing(data, name):
    raise ValueError(f"{name} must be é, got {len(data)} bytes")


def greedy(data, name):
    return {"a": np.ones(1 << 28)}


def endless(data, name):
    while True:
        pass


def crashing(data, name):
    import ctypes

    ctypes.string_at(0)


def talking(data, name):
    import os

    os.write(1, b"= not an answer")
    return {"a": np.zeros(1)}


def surprised(data, name):
    return {}["key"]


def alone(data, name):
    """What the process has imported."""
    import sys

    return {"modules": np.array(sorted(sys.modules))}


for _reader in (plain, refusing, greedy, endless, crashing, talking, surprised, alone):
    _reader.__module__ = "tests.apart_readers"  # as a process finds it that starts at the root
