"""The commands `hushpost stats` and `hushpost campaigns`."""

from collections.abc import Callable
from contextlib import ExitStack, aclosing
from enum import StrEnum
from typing import Annotated

import typer
from rich.live import Live

from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._exit import INTERRUPTED, USAGE, fail
from hushpost_cli._options import OneTenant
from hushpost_cli._tables import output
from hushpost_cli.reporting.tables import campaigns_table, stats_tables
from hushpost_client import Campaign, CampaignStats, Hushpost
from hushpost_documents.reports import campaigns_json, stats_csv, stats_json

__all__ = ["list_campaigns", "show_stats"]

_PAGE_SIZE = 1_000


class CampaignSort(StrEnum):
    """The order of a list of campaigns."""

    NEWEST = "newest"
    OLDEST = "oldest"
    NAME = "name"


_ORDERS = {
    CampaignSort.NEWEST: "create_time desc",
    CampaignSort.OLDEST: "create_time",
    CampaignSort.NAME: "display_name",
}


@connected
def show_stats(
    campaign: Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The id of the campaign.")],
    *,
    tenant: OneTenant = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON; with --watch, a line per report.")
    ] = False,
    as_csv: Annotated[
        bool,
        typer.Option("--csv", help="Print CSV: rows for the campaign, groups, links and hours."),
    ] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Print again whenever the numbers change, until Ctrl-C."),
    ] = False,
    connection: ConnectionOptions,
) -> None:
    """Print the statistics of a campaign: in total, by group and by link.

    Numbers of anonymous people are those of the last release, with the
    margin of their noise.

    Needs a key of role REPORTER.

    Example: hushpost stats spring-sale --watch
    """
    if as_csv and (as_json or watch):
        raise fail("--csv can't be combined with --json or --watch", USAGE)
    reading = connection.read()
    with ExitStack() as stack:
        show = _stats_output(stack, as_json=as_json, as_csv=as_csv, watch=watch)

        async def print_stats(hushpost: Hushpost) -> None:
            stats = await hushpost.stats.get_campaign_stats(campaign, tenant_id=tenant)
            show(stats)
            if not watch:
                return
            watching = hushpost.stats.watch_campaign_stats(campaign, tenant_id=tenant)
            async with aclosing(watching) as reports:
                async for report in reports:
                    if report != stats:
                        stats = report
                        show(stats)

        try:
            reading.run(print_stats)
        except KeyboardInterrupt:
            # With --watch, Ctrl-C is the expected way to end.
            raise typer.Exit(INTERRUPTED) from None


def _stats_output(
    stack: ExitStack, *, as_json: bool, as_csv: bool, watch: bool
) -> Callable[[CampaignStats], None]:
    """Return what prints statistics; `stack` ends it."""
    if as_json:
        return lambda stats: typer.echo(stats_json(stats, indent=None if watch else 2))
    if as_csv:
        return lambda stats: typer.echo(stats_csv(stats), nl=False)
    console = output()
    if watch and console.is_terminal:
        live = stack.enter_context(Live(console=console, auto_refresh=False))
        return lambda stats: live.update(stats_tables(stats), refresh=True)
    return lambda stats: console.print(stats_tables(stats))


@connected
def list_campaigns(
    *,
    tenant: OneTenant = None,
    search: Annotated[
        str | None,
        typer.Option(
            "--filter",
            metavar="TEXT",
            help="Only campaigns whose id or name contains TEXT, in upper or lower case.",
        ),
    ] = None,
    sort: Annotated[
        CampaignSort, typer.Option(help="The order of the campaigns.")
    ] = CampaignSort.NEWEST,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Print at most N campaigns. Default: all."),
    ] = None,
    connection: ConnectionOptions,
) -> None:
    """List campaigns.

    Needs a key of role REPORTER or SENDER.

    Example: hushpost campaigns --limit 20
    """

    async def read(hushpost: Hushpost) -> list[Campaign]:
        found: list[Campaign] = []
        listing = hushpost.campaigns.list_campaigns(
            filter=search,
            order_by=_ORDERS[sort],
            page_size=min(limit or _PAGE_SIZE, _PAGE_SIZE),
            tenant_id=tenant,
        )
        async with aclosing(listing) as campaigns:
            async for campaign in campaigns:
                found.append(campaign)
                if len(found) == limit:
                    break
        return found

    found = connection.read().run(read)
    if as_json:
        typer.echo(campaigns_json(found))
    else:
        output().print(campaigns_table(found))
