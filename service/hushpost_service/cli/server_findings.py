"""What `hushpost doctor --database` says of the settings of the database's servers."""

from collections.abc import Iterator

from hushpost_runtime.findings import Finding, Runbook, problem, warning, works
from hushpost_service.storage.server_settings import CheckedServers

__all__ = ["server_findings"]

_DATABASE = "database"


def server_findings(checked: CheckedServers) -> Iterator[Finding]:
    """Check durability, logging and checksums, of each worker too."""
    for setting in checked.unsafe:
        yield problem(
            _DATABASE,
            f"{_place(setting.worker)}{setting.name} is {setting.actual}, "
            "which endangers durability or privacy.",
            f"As a superuser: alter system set {setting.name} = '{setting.required}'; "
            "select pg_reload_conf();",
        )
    for worker, reason in checked.unchecked.items():
        yield problem(
            _DATABASE,
            f"The settings of worker {worker} can't be checked: {reason}.",
            "Start the worker, or correct its address in pg_dist_node or its pg_hba.conf.",
            Runbook.DATABASE,
        )
    if not checked.unsafe and not checked.unchecked:
        yield works(_DATABASE, "Settings for durability and logging are safe.")
    for server in checked.without_checksums:
        text = f"{_place(server)}data checksums are off: damage by the disk goes unnoticed."
        yield warning(
            _DATABASE,
            text[:1].upper() + text[1:],
            "Stop the server and run pg_checksums --enable.",
        )


def _place(worker: str | None) -> str:
    return f"On worker {worker}, " if worker else ""
