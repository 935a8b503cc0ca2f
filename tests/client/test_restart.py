"""The client while its authority is killed and restarted."""

import asyncio
from contextlib import aclosing
from pathlib import Path
from typing import Any

from hushpost_client import Event, PolicyUpdate, Release, RetryPolicy, Role
from tests.authority import AuthorityProcess

# Retries until the authority has started, even on a busy machine.
PATIENT = RetryPolicy(max_tries=200, max_backoff=0.3)


async def test_writes_and_streams_survive_a_crash(tmp_path: Path, connect: Any) -> None:
    """A batch sent during an outage counts once, and the stream of links resumes."""
    with AuthorityProcess(tmp_path) as process:
        key = process.admin_key()

        def client(api_key: str) -> Any:
            return connect(process.target, api_key=api_key, timeout=60, retry=PATIENT)

        async with client(key) as installation:
            admin = installation.admin
            await admin.create_tenant("acme", policy=PolicyUpdate(release=Release.EXACT))
            sender_key = (await admin.create_api_key(Role.SENDER, tenant_id="acme")).secret
            reporter_key = (await admin.create_api_key(Role.REPORTER, tenant_id="acme")).secret
            edge_key = (await admin.create_api_key(Role.EDGE)).secret
        assert sender_key
        assert reporter_key
        assert edge_key
        async with (
            client(sender_key) as sender,
            client(reporter_key) as reporter,
            client(edge_key) as edge,
            aclosing(edge.tracking.watch_links()) as links,
            aclosing(reporter.stats.watch_campaign_stats("one")) as reports,
        ):
            await sender.campaigns.create_campaign("one", links=["https://example.com/"])
            assert (await anext(links)).links is not None
            await sender.campaigns.extend_campaign("one", groups=["all"])
            issued = await sender.campaigns.issue_tokens("one", "all", ["ann"])
            token = issued.tokens[0].token
            assert token
            assert (await anext(reports)).opens.human.identified.total == 0
            process.kill()
            batch = asyncio.create_task(edge.tracking.record_events([Event(token)]))
            watching = asyncio.create_task(_wait_for_link(links, "https://example.com/two"))
            await asyncio.to_thread(process.start)
            assert (await batch).accepted_count == 1
            await sender.campaigns.extend_campaign("one", links=["https://example.com/two"])
            await asyncio.wait_for(watching, 30)
            await asyncio.wait_for(_wait_for_open(reports), 30)
            stats = await reporter.stats.get_campaign_stats("one")
            assert stats.opens.human.identified.total == 1


async def _wait_for_link(updates: Any, url: str) -> None:
    async for update in updates:
        if url in {link.url for link in update.links}:
            return


async def _wait_for_open(reports: Any) -> None:
    async for report in reports:
        if report.opens.human.identified.total:
            return
