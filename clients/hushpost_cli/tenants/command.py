"""The commands `hushpost tenants list`, `get` and `create`."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.table import Table

from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._exit import print_lines
from hushpost_cli._options import AsJson
from hushpost_cli._tables import new_table, output, printable, time_text
from hushpost_client import Hushpost, Tenant, TenantSummary
from hushpost_documents.reports import json_text

__all__ = ["tenants"]

_PAGE_SIZE = 1_000

tenants = typer.Typer(help="Create, list and show tenants.")


@tenants.command("list")
@connected
def list_tenants(*, as_json: AsJson = False, connection: ConnectionOptions) -> None:
    """List the tenants, sorted by id.

    Needs a key of role ADMIN. A key of one tenant lists only that tenant.
    """

    async def read(hushpost: Hushpost) -> list[TenantSummary]:
        return [each async for each in hushpost.admin.list_tenants(page_size=_PAGE_SIZE)]

    found = connection.read().run(read)
    if as_json:
        typer.echo(json_text([asdict(tenant) for tenant in found]))
    else:
        output().print(_table(found))


@tenants.command("get")
@connected
def get_tenant(
    tenant_id: Annotated[
        str | None,
        typer.Argument(metavar="TENANT", help="The tenant. Default: the key's tenant."),
    ] = None,
    *,
    as_json: AsJson = False,
    connection: ConnectionOptions,
) -> None:
    """Print a tenant: its name, when it was created, and work in progress.

    `hushpost policy get` prints its policy. Needs a key of role ADMIN.
    """
    found = connection.read().run(lambda hushpost: hushpost.admin.get_tenant(tenant_id))
    if as_json:
        fields = asdict(found)
        del fields["policy"]
        typer.echo(json_text(fields))
    else:
        print_lines(_lines(found))


@tenants.command("create")
@connected
def create_tenant(
    tenant_id: Annotated[
        str,
        typer.Argument(
            metavar="TENANT",
            help="1 to 64 lower-case letters, digits, hyphens and underscores.",
        ),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(help="A name for people; the preference page shows it to recipients."),
    ] = None,
    connection: ConnectionOptions,
) -> None:
    """Create a tenant with the default policy.

    Then create its keys with `hushpost keys create`, and choose its policy
    with `hushpost policy preset` or `hushpost policy set`.

    Needs a key of role ADMIN of the installation.

    Example: hushpost tenants create acme --name "Acme Ltd"
    """
    connection.read().run(
        lambda hushpost: hushpost.admin.create_tenant(tenant_id, display_name=name),
        interrupted="interrupted; see `hushpost tenants list`",
    )
    typer.echo(f"tenant {tenant_id} created")


def _table(found: list[TenantSummary]) -> Table:
    table = new_table("tenant", "name", "created (UTC)")
    for tenant in found:
        table.add_row(
            tenant.tenant_id, printable(tenant.display_name or ""), time_text(tenant.create_time)
        )
    return table


def _lines(tenant: Tenant) -> list[str]:
    lines = [
        f"tenant: {tenant.tenant_id}",
        f"name: {printable(tenant.display_name or '')}",
        f"created: {time_text(tenant.create_time)} UTC",
    ]
    job = tenant.anonymization
    if job is not None:
        lines.append(
            f"anonymizing since {time_text(job.start_time)} UTC: {job.anonymized_count:,} of up to "
            f"{job.total_count:,} events"
        )
    return lines
