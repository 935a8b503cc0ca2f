"""Attempts to sign in are limited, per address and in total."""

from pathlib import Path

from hushpost_dashboard.login_limit import LoginLimit
from tests.conftest import RunningAuthority, TenantKeys

from .dashboard_process import DashboardProcess
from .visitor import Visitor, text_of


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def test_ten_attempts_at_once_then_two_a_minute() -> None:
    """The wait that is returned is enough, and not more than needed."""
    clock = Clock()
    limit = LoginLimit(clock)
    assert [limit.attempt(b"a") for _ in range(10)] == [0.0] * 10
    wait = limit.attempt(b"a")
    assert 0 < wait <= 30
    assert limit.attempt(b"b") == 0
    clock.now += wait - 0.1
    assert limit.attempt(b"a") > 0
    clock.now += 0.2
    assert limit.attempt(b"a") == 0
    assert limit.attempt(b"a") > 0


def test_successful_attempts_do_not_count_against_the_address() -> None:
    """Hundreds of people may share an address."""
    clock = Clock()
    limit = LoginLimit(clock)
    for _ in range(200):
        clock.now += 0.3
        assert limit.attempt(b"office") == 0
        limit.succeed(b"office")


def test_the_total_is_limited() -> None:
    """Many addresses together have 100 attempts at once, then 20 a second."""
    clock = Clock()
    limit = LoginLimit(clock)
    allowed = sum(limit.attempt(str(number).encode()) == 0 for number in range(1_000))
    assert allowed == 100
    clock.now += 2.5
    allowed = sum(limit.attempt(str(number).encode()) == 0 for number in range(1_000, 2_000))
    assert allowed == 50


def test_memory_is_bounded() -> None:
    """However many addresses there are; the total keeps limiting."""
    clock = Clock()
    limit = LoginLimit(clock)
    for number in range(20_000):
        clock.now += 0.2
        assert limit.attempt(str(number).encode()) == 0
    assert len(limit) <= 10_000


async def test_the_eleventh_wrong_key_of_an_address_waits(
    dashboard: DashboardProcess, tenant: TenantKeys
) -> None:
    """Also with the right key then, while other addresses are not affected."""
    visitor = Visitor(dashboard.port)
    for _ in range(10):
        assert (await visitor.sign_in("hp_wrong")).status == 403
    response = await visitor.sign_in(tenant.reporter_key)
    assert response.status == 429
    assert int(response.headers["retry-after"]) <= 30
    assert "Too many attempts" in text_of(response)
    assert (await Visitor(dashboard.port).sign_in(tenant.reporter_key)).status == 303


async def test_a_forged_header_does_not_evade_the_limit(
    authority: RunningAuthority, tenant: TenantKeys, folder: Path
) -> None:
    """X-Forwarded-For counts from trusted proxies only, and only its last entry does."""
    with DashboardProcess(folder, authority.target) as untrusting:
        for number in range(10):
            forger = Visitor(untrusting.port, address=f"203.0.113.{number}")
            assert (await forger.sign_in("hp_wrong")).status == 403
        forger = Visitor(untrusting.port, address="203.0.113.99")
        assert (await forger.sign_in(tenant.reporter_key)).status == 429


async def test_forged_entries_before_the_proxys_do_not_count(
    dashboard: DashboardProcess,
) -> None:
    """A client may send the header; a proxy appends the real address."""
    for number in range(10):
        forger = Visitor(dashboard.port, address=f"203.0.113.{number}, 192.0.2.77")
        assert (await forger.sign_in("hp_wrong")).status == 403
    forger = Visitor(dashboard.port, address="203.0.113.99, 192.0.2.77")
    assert (await forger.sign_in("hp_wrong")).status == 429


async def test_addresses_of_one_ipv6_network_count_together(dashboard: DashboardProcess) -> None:
    """A subscriber has a /64, and could use another address for each attempt."""
    for number in range(10):
        visitor = Visitor(dashboard.port, address=f"2001:db8:1:2::{number}")
        assert (await visitor.sign_in("hp_wrong")).status == 403
    last = Visitor(dashboard.port, address="2001:db8:1:2:3:4:5:6")
    assert (await last.sign_in("hp_wrong")).status == 429
