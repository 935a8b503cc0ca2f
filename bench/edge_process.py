"""Runs an edge in front of the authority under test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.authority import Authority
from bench.tenant import Tenant
from tests.edge.edge_process import EdgeProcess

__all__ = ["running_edge"]


@contextmanager
def running_edge(authority: Authority, tenant: Tenant) -> Iterator[EdgeProcess]:
    """Start `hushpost edge` with one worker and wait until it has synchronized all links."""
    with (
        TemporaryDirectory(prefix="hushpost-bench-edge-") as folder,
        EdgeProcess(Path(folder), authority.target, tenant.edge_key, "--workers=1") as edge,
    ):
        yield edge
