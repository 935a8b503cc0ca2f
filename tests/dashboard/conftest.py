"""Fixtures: a dashboard connected to the shared authority, and people who look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunningAuthority, TenantKeys

from .dashboard_process import DashboardProcess
from .visitor import Visitor

TRUSTED = "--trusted-proxies=127.0.0.1/32"


@pytest.fixture(scope="session")
def dashboard(
    authority: RunningAuthority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DashboardProcess]:
    """The dashboard that most tests share; it trusts X-Forwarded-For headers from the tests."""
    folder = tmp_path_factory.mktemp("dashboard")
    with DashboardProcess(folder, authority.target, TRUSTED) as process:
        yield process


@pytest.fixture
def visitor(dashboard: DashboardProcess) -> Visitor:
    """Someone who has not signed in."""
    return Visitor(dashboard.port)


@pytest.fixture
async def reporter(visitor: Visitor, tenant: TenantKeys) -> Visitor:
    """Someone who has signed in with a REPORTER key of a new tenant."""
    assert (await visitor.sign_in(tenant.reporter_key)).status == 303
    return visitor


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a dashboard that only one test uses."""
    return tmp_path / "dashboard"
