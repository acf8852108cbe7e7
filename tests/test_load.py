"""Under load, in small: what ``python -m tests.load`` measures whole."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest
from browser.serving import Served, serving
from load import scenarios
from load.table import Row

SEATS = 6
LENIENT = 2
"""Times what a rerun may cost on a machine that does nothing else."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RNNVIZ_SESSIONS", str(SEATS))
        with serving("dashboard/app.py", tmp_path_factory.mktemp("home")) as server:
            yield server


def found(measure: Coroutine[Any, Any, list[Row]]) -> dict[str, Row]:
    return {row.figure: row for row in asyncio.run(measure)}


def test_a_move_of_a_slider_costs_the_server_little(served: Served) -> None:
    _, of_a_plain_apps = found(scenarios.cost(served, moves=12)).values()
    assert float(of_a_plain_apps.measured) < LENIENT * 0.5


def test_each_visitor_sees_what_was_asked_for_to_the_bit_alone_and_beside_others(
    served: Served,
) -> None:
    rows = found(scenarios.apart(served, reruns=60, size=5))
    assert {figure: row.measured for figure, row in rows.items() if not row.holds} == {}
    assert any("of 1" in figure and "reruns" in figure for figure in rows)


def test_one_visitor_more_than_there_are_places_is_told_so_at_once(served: Served) -> None:
    rows = found(scenarios.full(served, seats=SEATS, moves=2, think=0.2))
    told = [row for figure, row in rows.items() if "95 %" not in figure]
    assert [row.measured for row in told if not row.holds] == []
    assert len(told) == 3
