from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.simulator import SimulatorProcess

VM = "/nodes/pve1/qemu/100"


def _rows(simulator: SimulatorProcess, path: str, **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = simulator.api("GET", f"{path}/rrddata", params).json()["data"]
    return rows


@pytest.mark.parametrize(
    ("timeframe", "step", "count"),
    [("hour", 60, 60), ("day", 60, 1440), ("week", 1800, 336), ("month", 1800, 1440),
     ("year", 21_600, 1460)],
)  # fmt: skip
def test_a_timeframe_has_its_steps(
    demo: SimulatorProcess, timeframe: str, step: int, count: int
) -> None:
    times = [row["time"] for row in _rows(demo, VM, timeframe=timeframe)]

    assert len(times) == count
    assert {later - earlier for earlier, later in pairwise(times)} == {step}


def test_machines_have_no_decade_and_nodes_do(demo: SimulatorProcess) -> None:
    refused = demo.api("GET", f"{VM}/rrddata", {"timeframe": "decade"})

    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["timeframe"])
    assert len(_rows(demo, "/nodes/pve1", timeframe="decade")) == 520


def test_where_nothing_was_measured_only_the_time_is_there(demo: SimulatorProcess) -> None:
    rows = _rows(demo, VM, timeframe="week")

    assert list(rows[0]) == ["time"]
    measured = [row for row in rows if len(row) > 1]
    assert 40 <= len(measured) <= 49
    assert {"cpu", "maxcpu", "mem", "maxmem", "netin", "diskwrite"} <= set(measured[0])


def test_a_machine_that_is_off_measures_nothing(demo: SimulatorProcess) -> None:
    rows = _rows(demo, "/nodes/pve1/qemu/9005", timeframe="hour")

    assert {tuple(row) for row in rows} == {("time",)}


def test_the_same_moment_has_the_same_figures(demo: SimulatorProcess) -> None:
    first, second = (
        {row["time"]: row for row in _rows(demo, VM, timeframe="hour")} for _ in range(2)
    )

    shared = set(first) & set(second)
    assert len(shared) >= 59
    assert all(first[moment] == second[moment] for moment in shared)


def test_peaks_are_higher_than_averages(demo: SimulatorProcess) -> None:
    average = _rows(demo, VM, timeframe="hour", cf="AVERAGE")[-3]
    peak = _rows(demo, VM, timeframe="hour", cf="MAX")[-3]

    assert peak["cpu"] > average["cpu"]
    assert peak["maxmem"] == average["maxmem"]


def test_nodes_and_storages_have_a_past(demo: SimulatorProcess) -> None:
    node = _rows(demo, "/nodes/pve1", timeframe="hour")[-3]
    storage = _rows(demo, "/nodes/pve1/storage/ceph-vm", timeframe="hour")[-3]

    assert (node["maxcpu"], node["memtotal"]) == (32, 256 * 1024**3)
    assert storage["total"] == 10 * 1024**4
