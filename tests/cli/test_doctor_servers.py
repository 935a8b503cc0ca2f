"""What `hushpost doctor --database` says of the settings of a cluster's servers."""

from hushpost_runtime.findings import Level
from hushpost_service.cli.server_findings import server_findings
from hushpost_service.storage.server_settings import CheckedServers

SAFE = {"data_checksums": "on", "fsync": "on"}


def findings(checked: CheckedServers) -> list[tuple[Level, str]]:
    """Return the levels and the texts."""
    return [(finding.level, finding.text) for finding in server_findings(checked)]


def test_safe_servers() -> None:
    """There is nothing to do."""
    checked = CheckedServers()
    checked.add(SAFE)
    checked.add(SAFE, "db-1:5432")

    assert findings(checked) == [(Level.OK, "Settings for durability and logging are safe.")]


def test_a_worker_that_could_not_be_checked_is_not_safe() -> None:
    """It is a problem, with the reason."""
    checked = CheckedServers(unchecked={"db-2:5432": "failed to connect to db-2:5432"})
    checked.add(SAFE)
    checked.add(SAFE, "db-1:5432")

    assert findings(checked) == [
        (
            Level.PROBLEM,
            "The settings of worker db-2:5432 can't be checked: failed to connect to db-2:5432.",
        )
    ]


def test_checksums_are_checked_on_each_server() -> None:
    """A worker without them is named."""
    checked = CheckedServers()
    checked.add(SAFE | {"data_checksums": "off"})
    checked.add(SAFE, "db-1:5432")
    checked.add(SAFE | {"data_checksums": "off"}, "db-2:5432")

    assert [text for level, text in findings(checked) if level is Level.WARNING] == [
        "Data checksums are off: damage by the disk goes unnoticed.",
        "On worker db-2:5432, data checksums are off: damage by the disk goes unnoticed.",
    ]


def test_logged_statements_are_a_problem_on_workers_only() -> None:
    """There they contain values, even if parameters are not logged."""
    logging = {"log_statement": "mod", "log_parameter_max_length": "0"}
    checked = CheckedServers()
    checked.add(SAFE | logging)
    checked.add(SAFE | logging, "db-1:5432")

    assert findings(checked) == [
        (
            Level.PROBLEM,
            "On worker db-1:5432, log_statement is mod, which endangers durability or privacy.",
        )
    ]
