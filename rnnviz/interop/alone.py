"""The process that ``apart`` starts: one reader, one file, and no more memory than it was given.

It is run by its path, and imports the reader's module as part of a bare ``rnnviz``.
"""

import importlib
import io
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final

_PACKAGES: Final = "rnnviz", "rnnviz.interop"


def main() -> None:
    """Read the request and the file from stdin, and answer with arrays or with a sentence."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    request = json.loads(sys.stdin.buffer.readline())
    _stand_in(Path(request["root"]))
    reader = getattr(importlib.import_module(request["module"]), request["function"])
    _limit(request["memory"], request["seconds"])
    answers.write(_answer(reader, request["name"]))
    answers.close()


def _answer(reader: Any, name: str) -> bytes:
    try:
        return b"=" + _packed(reader(sys.stdin.buffer.read(), name))
    except ValueError as refused:
        return b"!" + str(refused).encode()
    except MemoryError:
        return b"M"


def _packed(arrays: Mapping[str, Any]) -> bytes:
    import numpy as np

    body = io.BytesIO()
    np.savez(body, allow_pickle=False, **arrays)
    return body.getvalue()


def _stand_in(root: Path) -> None:
    """Packages without what their ``__init__`` imports."""
    sys.path.insert(0, str(root))
    for name in _PACKAGES:
        package = ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")))]
        sys.modules[name] = package


def _limit(memory: int, seconds: int) -> None:
    """Little memory, little time, no file longer than nothing, no image of a crash."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
