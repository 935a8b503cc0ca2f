"""Runs the demo: from an empty folder to a campaign with a report, then serves."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from hushpost_cli.reporting.tables import stats_tables
from hushpost_client import CampaignStats, Hushpost, Mode, Role, Tenant
from hushpost_demo.addresses import with_port
from hushpost_demo.authority import RunningAuthority, running_authority
from hushpost_demo.child_process import Child, clean_environment, while_running
from hushpost_demo.commands import run_command
from hushpost_demo.contacts import Contact, contacts_file, read_contacts
from hushpost_demo.dashboard import running_dashboard
from hushpost_demo.earlier_campaigns import create_earlier_campaigns
from hushpost_demo.edge import RunningEdge, running_edge
from hushpost_demo.errors import DemoError
from hushpost_demo.http_child import HttpChild
from hushpost_demo.mail_reader import Mail, read_mail
from hushpost_demo.mailbox import Mailbox, receiving
from hushpost_demo.next_steps import examples
from hushpost_demo.readers import OPT_OUTS, open_and_click, opt_out
from hushpost_demo.sending import create_campaign, send_newsletter
from hushpost_demo.signup_form import CHOICES, store_choices
from hushpost_demo.tenant import RELEASE_DELAYS, Keys, open_tenant

__all__ = ["Demo"]

_RELEASE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Demo:
    """One run of the demo.

    Attributes:
        command: The console script `hushpost`.
        data_dir: The folder with everything that is kept between runs.
        listen: The address to serve gRPC on; port 0 picks a free port.
        edge_listen: The address to serve HTTP on; port 0 picks a free port.
        dashboard_listen: The address to serve the dashboard on; port 0 picks a free port.
        seed: Seed of the recipients' behaviour.
        console: Where to print.
    """

    command: Path
    data_dir: Path
    listen: str
    edge_listen: str
    dashboard_listen: str
    seed: int
    console: Console

    async def run(self, *, once: bool) -> None:
        """Send a campaign and print its report; then serve until cancelled unless `once`.

        Raises:
            DemoError: A part of the demo failed.
            HushpostError: The authority rejected a call.
        """
        self._print(f"starting PostgreSQL and the authority; data folder: {self.data_dir}/")
        async with AsyncExitStack() as stack:
            authority = await stack.enter_async_context(
                running_authority(self.command, self.data_dir, self.listen)
            )
            self._print(f"serving gRPC on {authority.address} (log: {authority.child.log})")
            keys = Keys(self.data_dir / "keys")
            create_key: list[str | Path] = [self.command, "admin-key", "--data-dir", self.data_dir]
            tenant = await open_tenant(authority.address, keys, create_key, clean_environment())
            edge = await stack.enter_async_context(
                running_edge(
                    self.command,
                    self.data_dir,
                    with_port(self.edge_listen, "--edge-listen"),
                    authority.address,
                    keys.path(Role.EDGE),
                )
            )
            children = {"authority": authority.child, "edge": edge.child}
            campaign = _CampaignRun(self, authority, edge, keys, tenant)
            await while_running(campaign.run(), **children)
            if not once:
                dashboard = await stack.enter_async_context(
                    running_dashboard(
                        self.command,
                        self.data_dir,
                        with_port(self.dashboard_listen, "--dashboard-listen"),
                        authority.address,
                    )
                )
                children["dashboard"] = dashboard.child
                await while_running(dashboard.ready(), **children)
                self._show_next_steps(authority, dashboard, keys, campaign)
                self._print(f"serving on {authority.address} and {edge.url}; Ctrl-C stops it")
                await self._serve(children)

    def _show_next_steps(
        self,
        authority: RunningAuthority,
        dashboard: HttpChild,
        keys: Keys,
        campaign: "_CampaignRun",
    ) -> None:
        key = keys.path(Role.REPORTER)
        page = f"{dashboard.url}/campaigns/{campaign.campaign_id}"
        self._print(f"See the campaign in a browser:\n\n{page}\n")
        self._print(f"Sign in with the key in {key}:\n\n{keys.read(Role.REPORTER)}\n")
        self._print(f"Open one of the mails in a browser, and click:\n\n{campaign.shown_mail}\n")
        self._print(f"Its recipient decides on this page:\n\n{campaign.preference_page}\n")
        self._print("Three seconds after a click, it is counted. Read the statistics:\n")
        for example in examples(self.command, authority.address, key, campaign.campaign_id):
            self._print(example)

    async def _serve(self, children: dict[str, Child]) -> None:
        try:
            await while_running(asyncio.Event().wait(), **children)
        except asyncio.CancelledError:
            # Ctrl-C is the expected way to stop.
            self._print("\nstopping the dashboard, the edge, the authority and PostgreSQL")

    def _print(self, text: str) -> None:
        # Without wrapping, because some lines are meant to be copied.
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)


class _CampaignRun:
    """Imports contacts, sends the newsletter, simulates recipients, and prints the report."""

    def __init__(
        self, demo: Demo, authority: RunningAuthority, edge: RunningEdge, keys: Keys, tenant: Tenant
    ) -> None:
        self.campaign_id = ""
        self.shown_mail = ""
        self.preference_page = ""
        self._demo = demo
        self._authority = authority
        self._edge = edge
        self._keys = keys
        self._tenant = tenant

    async def run(self) -> None:
        """Run the campaign from the import to the report."""
        contacts = await self._import_contacts()
        await self._edge.ready()
        self._print(f"serving HTTP on {self._edge.address} (log: {self._edge.child.log})\n")
        async with AsyncExitStack() as stack:
            sender, edge_client, reporter = [
                await stack.enter_async_context(
                    Hushpost.connect(self._authority.address, api_key=self._keys.read(role) or "")
                )
                for role in (Role.SENDER, Role.EDGE, Role.REPORTER)
            ]
            await store_choices(sender, contacts)
            self._print(f"{CHOICES} people granted only opens, or only clicks, on a sign-up form")
            await create_earlier_campaigns(sender, edge_client, contacts, self._habits())
            mails = await self._send(sender, contacts)
            activity = await open_and_click(self._edge.address, mails, self._habits())
            self._print(
                f"people opened {activity.opens:,} mails and clicked {activity.clicks:,} links; "
                f"mail programs prefetched {activity.prefetches:,}"
            )
            stats = await self._recorded(reporter)
            before = _identified(stats)
            await opt_out(edge_client, self._leaving(contacts, mails))
            stats = await reporter.stats.get_campaign_stats(self.campaign_id)
            self._print(
                f"{OPT_OUTS} people opted out, some of clicks only: "
                f"{before - _identified(stats):,} of their events are anonymous now"
            )
            await self._prove_consent(sender)
            self._print(
                f"waiting for the first release of anonymous counts, "
                f"{RELEASE_DELAYS[0].seconds} seconds after the first mail\n"
            )
            released = await self._released(reporter)
            # Links are on the page of the dashboard.
            tables = stats_tables(replace(released, links=()))
            self._demo.console.print(tables, markup=False, highlight=False)

    def _habits(self) -> random.Random:
        """Return the source of the recipients' behaviour."""
        return random.Random(self._demo.seed)  # noqa: S311 - habits, not secrets

    async def _import_contacts(self) -> list[Contact]:
        protected = self._demo.data_dir / "contacts.protected.csv"
        protected.unlink(missing_ok=True)  # of an earlier run
        options: list[str | Path] = [
            *("--tenant", self._tenant.tenant_id, "--authority", self._authority.address),
            *("--api-key-file", self._keys.path(Role.SENDER)),
            *("--rejected", self._demo.data_dir / "contacts.rejected.csv"),
            *("--protected", protected),
        ]
        with contacts_file() as file:
            await run_command(self._demo.command, clean_environment(), "import", file, *options)
            return read_contacts(file)

    async def _send(self, sender: Hushpost, contacts: Sequence[Contact]) -> list[Mail]:
        campaign = await create_campaign(sender, contacts, self._edge.url)
        self.campaign_id = campaign.campaign_id
        mailbox = Mailbox(self._demo.data_dir / "mail")
        async with receiving(mailbox) as port:
            await send_newsletter(campaign, contacts, port)
        mails = [read_mail(mailbox.path(contact.mailbox).read_bytes()) for contact in contacts]
        shown = next(
            number
            for number, contact in enumerate(contacts)
            if contact.expected_mode is Mode.IDENTIFIED
        )
        self.preference_page = next(url for url in mails[shown].page.links if "/p/" in url)
        self.shown_mail = mailbox.show(contacts[shown].mailbox, mails[shown].html)
        self._print(
            f"campaign {self.campaign_id}: sent {len(mails):,} mails with "
            f"{len(campaign.links)} tracked links each to {mailbox.folder}/"
        )
        return mails

    async def _prove_consent(self, sender: Hushpost) -> None:
        """Export the log of consent and verify it; count who may be asked for consent."""
        may_be_asked = sender.preferences.list_contacts(may_be_asked=True, page_size=1000)
        count = len([contact async for contact in may_be_asked])
        self._print(f"{count:,} people may be asked for consent now: they refused nothing lately")
        command, environment = self._demo.command, clean_environment()
        file = self._demo.data_dir / "consent.jsonl"
        file.unlink(missing_ok=True)  # of an earlier run
        options: list[str | Path] = [
            *("--tenant", self._tenant.tenant_id, "--authority", self._authority.address),
            *("--api-key-file", self._keys.path(Role.SENDER)),
        ]
        await run_command(command, environment, "consent export", file, *options)
        await run_command(command, environment, "consent verify", file)

    def _leaving(self, contacts: Sequence[Contact], mails: Sequence[Mail]) -> list[Mail]:
        """Return the mails of recipients who may opt out: all but that of the shown mail.

        Who opted out in an earlier run still does: an import loosens no recipient's decision.
        """
        identified = [
            mail
            for contact, mail in zip(contacts, mails, strict=True)
            if contact.expected_mode is Mode.IDENTIFIED
        ]
        return identified[1:]

    async def _recorded(self, reporter: Hushpost) -> CampaignStats:
        """Wait until all events are recorded, and return the statistics.

        Raises:
            DemoError: Some events still wait after a minute, or were rejected.
        """
        await self._edge.wait_until_shipped()
        if rejected := await self._edge.rejected():
            raise DemoError(
                f"the authority rejected {rejected} events (see {self._edge.child.log})"
            )
        return await reporter.stats.get_campaign_stats(self.campaign_id)

    async def _released(self, reporter: Hushpost) -> CampaignStats:
        """Wait for the first release of anonymous counts, and return the statistics.

        Raises:
            DemoError: There is none after a minute.
        """
        deadline = time.monotonic() + _RELEASE_SECONDS
        while time.monotonic() < deadline:
            stats = await reporter.stats.get_campaign_stats(self.campaign_id)
            if stats.release.release_time is not None:
                return stats
            await asyncio.sleep(0.2)
        raise DemoError(
            f"the authority has released no anonymous counts (see {self._authority.child.log})"
        )

    def _print(self, text: str) -> None:
        self._demo.console.print(text, markup=False, highlight=False, soft_wrap=True)


def _identified(stats: CampaignStats) -> int:
    return sum(
        engagement.identified.total
        for signal in (stats.opens, stats.clicks)
        for engagement in (signal.human, signal.machine)
    )
