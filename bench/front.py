"""The edge beside the authority, for as long as something is measured."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.site import Site
from bench.tenant import Tenant
from tests.edge.process import EdgeProcess

__all__ = ["opened_edge"]


@contextmanager
def opened_edge(site: Site, tenant: Tenant) -> Iterator[EdgeProcess]:
    """Start `hushpost edge` with one worker, and wait until it has all links."""
    with (
        TemporaryDirectory(prefix="hushpost-bench-edge-") as folder,
        EdgeProcess(Path(folder), site.target, tenant.edge_key, "--workers=1") as edge,
    ):
        yield edge
