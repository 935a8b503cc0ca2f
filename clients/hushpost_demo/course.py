"""The course of the demo, from an empty folder to an authority that serves."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from hushpost_client import Hushpost, Role, Tenant
from hushpost_demo.access import Keys, open_tenant
from hushpost_demo.authority import RunningAuthority, running_authority
from hushpost_demo.child import Child, clean_environment, while_running
from hushpost_demo.contacts import Contact, contacts_file, import_contacts, read_contacts
from hushpost_demo.edge import RunningEdge, running_edge
from hushpost_demo.examples import examples
from hushpost_demo.listening import with_port
from hushpost_demo.mailbox import Mailbox
from hushpost_demo.mailing import Clients, Mailing

__all__ = ["Demo"]


@dataclass(frozen=True, slots=True)
class Demo:
    """One run.

    Attributes:
        command: The console script `hushpost`.
        data_dir: What is kept between runs.
        listen: Where to serve gRPC; port 0 takes a free one.
        edge_listen: Where to serve HTTP; port 0 takes a free one.
        seed: What recipients do.
        console: Where to print.
    """

    command: Path
    data_dir: Path
    listen: str
    edge_listen: str
    seed: int
    console: Console

    async def run(self, *, once: bool) -> int:
        """Play a campaign and check its report; return the exit code.

        Unless `once`, then serve until cancelled.

        Raises:
            DemoError: if something expected is wrong.
            HushpostError: if the authority refuses a call.
        """
        self._say(f"starting PostgreSQL and the authority; their data is in {self.data_dir}/")
        async with AsyncExitStack() as stack:
            authority = await stack.enter_async_context(
                running_authority(self.command, self.data_dir, self.listen)
            )
            keys = Keys(self.data_dir / "keys")
            make_key: list[str | Path] = [self.command, "admin-key", "--data-dir", self.data_dir]
            tenant = await open_tenant(authority.address, keys, make_key, clean_environment())
            self._say(f"serving gRPC on {authority.address} (log: {authority.child.log})")
            self._say(f"tenant {tenant.tenant_id}: {tenant.display_name}\n")
            edge = await stack.enter_async_context(self._edge(authority, keys))
            children = {"authority": authority.child, "edge": edge.child}
            mailing = await while_running(self._mail(authority, edge, keys, tenant), **children)
            if not once:
                self._show_examples(authority, keys, mailing)
                self._say(f"serving on {authority.address} and {edge.url}; Ctrl-C ends it")
                await self._serve(children)
        return 0 if mailing.is_right else 1

    def _edge(
        self, authority: RunningAuthority, keys: Keys
    ) -> AbstractAsyncContextManager[RunningEdge]:
        listen = with_port(self.edge_listen, "--edge-listen")
        return running_edge(
            self.command, self.data_dir, listen, authority.address, keys.path(Role.EDGE)
        )

    async def _import(
        self, authority: RunningAuthority, keys: Keys, tenant: Tenant
    ) -> list[Contact]:
        options: list[str | Path] = [
            *("--tenant", tenant.tenant_id, "--authority", authority.address, "--no-tls"),
            *("--api-key-file", keys.path(Role.SENDER)),
            *("--rejected", self.data_dir / "contacts.rejected.csv"),
        ]
        with contacts_file() as file:
            await import_contacts(self.command, clean_environment(), file, options)
            return read_contacts(file)

    async def _mail(
        self,
        authority: RunningAuthority,
        edge: RunningEdge,
        keys: Keys,
        tenant: Tenant,
    ) -> Mailing:
        # The edge starts meanwhile.
        contacts = await self._import(authority, keys, tenant)
        await edge.ready()
        self._say(f"\nserving HTTP on {edge.address} (log: {edge.child.log})")
        async with AsyncExitStack() as stack:

            async def client(role: Role) -> Hushpost:
                connection = Hushpost.connect(
                    authority.address, api_key=keys.read(role), tls=False, timeout=30
                )
                return await stack.enter_async_context(connection)

            clients = Clients(
                sender=await client(Role.SENDER),
                edge=await client(Role.EDGE),
                reporter=await client(Role.REPORTER),
                http=edge,
            )
            mailbox = Mailbox(self.data_dir / "mail")
            mailing = Mailing(clients, contacts, tenant.policy.quorum, mailbox, self.console)
            await mailing.run(self.seed)
            return mailing

    def _show_examples(self, authority: RunningAuthority, keys: Keys, mailing: Mailing) -> None:
        self._say("\nOpen one of the mails in a browser, and click in it:\n")
        self._say(f"{mailing.shown}\n")
        self._say("Three seconds later it is counted. Ask, in a second terminal:\n")
        for example in examples(authority.address, keys.path(Role.REPORTER), mailing.campaign_id):
            self._say(example)

    async def _serve(self, children: dict[str, Child]) -> None:
        """Serve until cancelled."""
        try:
            await while_running(asyncio.Event().wait(), **children)
        except asyncio.CancelledError:
            # Ctrl-C is how this is meant to end.
            self._say("\nstopping the edge, the authority and PostgreSQL")

    def _say(self, text: str) -> None:
        # Lines stay whole: some are to be copied.
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)
