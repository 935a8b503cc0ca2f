"""Live updates of a campaign's page."""

from contextlib import AsyncExitStack
from pathlib import Path

from hushpost_client import PolicyUpdate, Release
from tests.conftest import Clients, RunningAuthority, TenantKeys
from tests.mailing import Mailing, send
from tests.waiting import eventually

from .dashboard_process import DashboardProcess
from .event_stream import EventStream
from .visitor import Visitor

PATH = "/campaigns/spring/events"


async def _exact(clients: Clients) -> Mailing:
    await clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    return await send(clients, ["ann", "bob", "cem"])


async def _live_pages(visitor: Visitor) -> float:
    metrics = (await visitor.get("/metrics")).body.decode()
    (value,) = [
        line for line in metrics.splitlines() if line.startswith("hushpost_dashboard_live_pages ")
    ]
    return float(value.split(" ")[1])


async def test_a_change_is_sent_as_parts_of_the_page(reporter: Visitor, clients: Clients) -> None:
    """First the present state, then what an event changed."""
    mailing = await _exact(clients)
    async with EventStream(reporter, PATH) as events:
        first = await events.next()
        assert first is not None
        assert first.name == "report"
        assert first.document()["charts"]["people"]["identified"] == [0, 0, 0, 0]
        await mailing.open("ann", "bob")
        document = first.document()
        while document["charts"]["people"]["identified"][0] < 2:
            event = await events.next()
            assert event is not None
            document = event.document()
        assert document["announcement"] == "2 people opened, 0 clicked."
        page = (await reporter.get("/campaigns/spring")).body.decode()
        for name in ("tiles", "totals", "machines", "hours"):
            assert document["parts"][name].strip() in page


async def test_all_browsers_share_a_stream(
    authority: RunningAuthority, reporter: Visitor, clients: Clients
) -> None:
    """A closed connection is noticed, and the last one ends the stream from the authority."""
    mailing = await _exact(clients)
    before = await _live_pages(reporter)
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(EventStream(reporter, PATH)) for _ in range(5)]
        for stream in streams:
            assert await stream.next() is not None
        assert await _live_pages(reporter) == before + 5
        await mailing.open("cem")
        for stream in streams:
            event = await stream.next()
            assert event is not None
            assert event.document()["charts"]["people"]["identified"][0] == 1

    async def live_pages() -> float:
        return await _live_pages(reporter)

    await eventually(live_pages, before)


async def test_a_session_has_a_limited_number_of_live_pages(
    reporter: Visitor, clients: Clients
) -> None:
    """One person cannot take the room of all others."""
    await _exact(clients)
    async with AsyncExitStack() as stack:
        for _ in range(20):
            stream = await stack.enter_async_context(EventStream(reporter, PATH))
            assert (await stream.next()).name == "report"  # type: ignore[union-attr]
        async with EventStream(reporter, PATH) as rejected:
            assert await rejected.next() == ("end", "busy")
            assert await rejected.next() is None


async def test_an_unknown_campaign_ends_the_stream(reporter: Visitor) -> None:
    """The page says that it is not live."""
    async with EventStream(reporter, "/campaigns/nonsense/events") as events:
        assert await events.next() == ("end", "not-found")


async def test_a_revoked_key_ends_the_stream(
    authority: RunningAuthority, reporter: Visitor, clients: Clients, tenant: TenantKeys
) -> None:
    """Within seconds, although nothing is counted."""
    await _exact(clients)
    async with EventStream(reporter, PATH) as events:
        assert (await events.next()).name == "report"  # type: ignore[union-attr]
        async for key in clients.installation.admin.list_api_keys(tenant_id=tenant.tenant_id):
            if key.role.name == "REPORTER":  # type: ignore[union-attr]
                await clients.installation.admin.revoke_api_key(key.key_id)
        assert await events.next() == ("end", "signed-out")


async def test_signing_out_ends_the_stream(reporter: Visitor, clients: Clients) -> None:
    """Also in other windows of the same session."""
    await _exact(clients)
    async with EventStream(reporter, PATH) as events:
        assert (await events.next()).name == "report"  # type: ignore[union-attr]
        await reporter.sign_out()
        assert await events.next() == ("end", "signed-out")


async def test_the_dashboard_stops_although_pages_are_live(
    authority: RunningAuthority, folder: Path, clients: Clients, tenant: TenantKeys
) -> None:
    """SIGTERM ends streams at once, without an error."""
    await _exact(clients)
    with DashboardProcess(folder, authority.target) as dashboard:
        visitor = Visitor(dashboard.port)
        await visitor.sign_in(tenant.reporter_key)
        async with EventStream(visitor, PATH) as events:
            assert (await events.next()).name == "report"  # type: ignore[union-attr]
            assert dashboard.stop() == 0
            assert await events.next() == ("end", "stopping")
        assert '"level": "error"' not in dashboard.log_file.read_text()
        # A killed worker would not say so.
        assert '"event": "stopped"' in dashboard.log_file.read_text()
