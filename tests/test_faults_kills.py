"""A server that is killed while it trains or saves loses nothing that was kept."""

import os
from pathlib import Path

import pytest
from kills import Killer


@pytest.mark.skipif(os.name == "nt", reason="reads /proc")
def test_two_kills_lose_nothing_and_leave_no_process_and_no_half_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    Killer(tmp_path).some(training=1, saving=1)
