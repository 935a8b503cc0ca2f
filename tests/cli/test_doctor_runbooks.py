"""The runbooks that `hushpost doctor` names."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hushpost_runtime.findings import Level, Runbook
from hushpost_service.cli.backlog_findings import backlog_findings
from hushpost_service.storage.backlog import Backlog
from tests.cli.doctor_faults import NOTHING, create_spool, serving

HOUR = timedelta(hours=1)
NOTHING_WAITS = Backlog(0, timedelta(), timedelta(), {"events": 2})


@pytest.fixture
def runbooks(hushpost: Any) -> Any:
    """Run `hushpost doctor --json`; return the runbooks that findings name."""

    async def run(*arguments: str | Path) -> set[str]:
        findings = json.loads((await hushpost("doctor", "--json", *arguments)).out)
        return {finding["runbook"] for finding in findings if finding["runbook"]}

    return run


async def test_the_report_names_the_runbook(hushpost: Any, tmp_path: Path) -> None:
    """Where a runbook helps, the report for people and JSON name it."""
    keyring = tmp_path / "keyring.json"
    keyring.write_text("{")
    keyring.chmod(0o600)
    options = ("--database", "--data-dir", tmp_path, "--keyring", keyring)
    text = await hushpost("doctor", *options)
    as_json = await hushpost("doctor", "--json", *options)

    runbooks = {each["part"]: each["runbook"] for each in json.loads(as_json.out)}

    assert "        -> Runbook: docs/operations.md#keyring" in text.out.splitlines()
    assert runbooks["keyring"] == "keyring"
    assert runbooks["version"] is None


@pytest.mark.parametrize(("part", "address"), [("--authority", ""), ("--edge", "http://")])
async def test_a_process_that_is_down(runbooks: Any, part: str, address: str) -> None:
    """Nothing listens on the address."""
    assert await runbooks(part, address + NOTHING) == {"a-process-is-down"}


@pytest.mark.parametrize(
    ("status", "body", "runbook"),
    [
        ("503 Busy", "links have not been received yet", "events-wait-at-an-edge"),
        ("200 OK", "ok, but the spool is full: events are dropped", "full-disk"),
    ],
)
async def test_an_edge_with_a_fault(runbooks: Any, status: str, body: str, runbook: str) -> None:
    """What `/readyz` says decides."""
    response = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    async with serving(response.encode()) as address:
        assert await runbooks("--edge", f"http://{address}") == {runbook}


async def test_events_that_wait(runbooks: Any, tmp_path: Path) -> None:
    """Events of an edge have not been shipped for an hour."""
    assert "events-wait-at-an-edge" in await runbooks(
        "--spool", create_spool(tmp_path, seconds=HOUR.total_seconds())
    )


def test_nothing_waits_in_the_database() -> None:
    """A database without overdue work needs no runbook."""
    assert {each.level for each in backlog_findings(NOTHING_WAITS)} == {Level.OK}


@pytest.mark.parametrize(
    ("change", "level", "runbook"),
    [
        ({"jobs": 1, "oldest_job": HOUR}, Level.PROBLEM, Runbook.LATE_ANONYMIZATION),
        ({"release_lag": HOUR}, Level.WARNING, Runbook.LATE_RELEASES),
        ({"partitions_ahead": {"events": 0}}, Level.WARNING, Runbook.MISSING_PARTITIONS),
        ({"partitions_ahead": {"events": -1}}, Level.PROBLEM, Runbook.MISSING_PARTITIONS),
    ],
)
def test_work_that_waits_in_the_database(
    change: dict[str, Any], level: Level, runbook: Runbook
) -> None:
    """Each kind of overdue work is one finding with its runbook."""
    findings = list(backlog_findings(replace(NOTHING_WAITS, **change)))
    found = [(each.level, each.runbook) for each in findings if each.level is not Level.OK]
    assert found == [(level, runbook)]
