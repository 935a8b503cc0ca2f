"""The commands `hushpost domains add`, `check`, `list` and `remove`."""

from dataclasses import asdict
from typing import Annotated, TypeAlias

import typer
from rich.table import Table

from hushpost_cli._confirmation import confirm
from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._exit import NOT_FOUND, fail
from hushpost_cli._findings import report
from hushpost_cli._options import AsJson, OneTenant, Yes
from hushpost_cli._tables import new_table, output, time_text
from hushpost_cli.domains.checks import edge_host, reachability
from hushpost_client import (
    AlreadyExistsError,
    FailedPreconditionError,
    Hushpost,
    HushpostError,
    TrackingDomain,
)
from hushpost_documents.reports import json_text
from hushpost_runtime.findings import Finding, problem, works

__all__ = ["domains"]

_PAGE_SIZE = 1_000
_OWNERSHIP = "ownership"

domains = typer.Typer(help="Add, check, list and remove tracking domains.")

Name: TypeAlias = Annotated[
    str, typer.Argument(metavar="DOMAIN", help="The name, such as links.example.com.")
]


@domains.command("add")
@connected
def add_domain(
    name: Name,
    *,
    tenant: OneTenant = None,
    as_json: AsJson = False,
    connection: ConnectionOptions,
) -> None:
    """Register a tracking domain, and print the DNS records to create.

    Edges serve it once `hushpost domains check` has found the TXT record.
    A domain that is registered already is printed again.

    Needs a key of role ADMIN.

    Example: hushpost domains add links.acme.example --tenant acme
    """
    added = connection.read().run(
        lambda hushpost: hushpost.domains.add_tracking_domain(name, tenant_id=tenant),
        interrupted="interrupted; see `hushpost domains list`",
    )
    if as_json:
        typer.echo(json_text([asdict(added)]))
        return
    typer.echo(f"{added.domain} of tenant {added.tenant_id} is {_state(added)}. DNS records:")
    output().print(_records(added))
    if edge_host(added) is None:
        typer.echo(f"Point {added.domain} to the edges, too: ask the operator for their host.")
    typer.echo(f"Then: hushpost domains check {added.domain}")


@domains.command("check")
@connected
def check_domain(
    name: Name,
    *,
    tenant: OneTenant = None,
    as_json: AsJson = False,
    connection: ConnectionOptions,
) -> None:
    """Verify a tracking domain, and check that it leads to an edge.

    The authority looks up the TXT record. This machine looks up the addresses,
    and requests a pixel by HTTPS. Prints a line per check, and what to do.

    Exits with 1 if there is a problem. Needs a key of role ADMIN.
    """
    opened = connection.read()

    async def verify(hushpost: Hushpost) -> tuple[Finding, TrackingDomain | None]:
        try:
            found = await hushpost.domains.check_tracking_domain(name, tenant_id=tenant)
        except (AlreadyExistsError, FailedPreconditionError) as error:
            return _unverified(error), await _find(hushpost, name, tenant)
        return works(_OWNERSHIP, f"{found.domain} is verified for tenant {found.tenant_id}."), found

    finding, domain = opened.run(verify)
    report([finding, *(reachability(domain) if domain else ())], as_json=as_json)


@domains.command("list")
@connected
def list_domains(
    *,
    tenant: OneTenant = None,
    as_json: AsJson = False,
    connection: ConnectionOptions,
) -> None:
    """List tracking domains: those of a tenant, or all that the key permits.

    Needs a key of role ADMIN; keys of role SENDER and EDGE list verified domains.
    """

    async def read(hushpost: Hushpost) -> list[TrackingDomain]:
        listing = hushpost.domains.list_tracking_domains(tenant_id=tenant, page_size=_PAGE_SIZE)
        return [domain async for domain in listing]

    found = connection.read().run(read)
    if as_json:
        typer.echo(json_text([asdict(domain) for domain in found]))
    else:
        output().print(_table(found))


@domains.command("remove")
@connected
def remove_domain(
    name: Name,
    *,
    tenant: OneTenant = None,
    yes: Yes = False,
    connection: ConnectionOptions,
) -> None:
    """Remove a tracking domain, after a question.

    Needs a key of role ADMIN.
    """
    opened = connection.read()
    found = opened.run(lambda hushpost: _find(hushpost, name, tenant))
    if found is None:
        raise fail(f"there is no tracking domain {name}", NOT_FOUND)
    if not yes:
        question = f"Remove {found.domain} of tenant {found.tenant_id}?"
        confirm(
            f"{question} Links in mail that was sent with it will stop working.",
            "no domain was removed",
        )

    async def remove(hushpost: Hushpost) -> None:
        await hushpost.domains.remove_tracking_domain(found.domain, tenant_id=found.tenant_id)

    opened.run(remove, interrupted="interrupted; see `hushpost domains list`")
    typer.echo(f"removed {found.domain}")


async def _find(hushpost: Hushpost, name: str, tenant: str | None) -> TrackingDomain | None:
    """Return the registered domain with a name, or None."""
    wanted = _ascii(name)
    listing = hushpost.domains.list_tracking_domains(tenant_id=tenant, page_size=_PAGE_SIZE)
    found = [domain async for domain in listing if domain.domain == wanted]
    if len(found) > 1:
        raise fail(f"several tenants have registered {wanted}; give --tenant")
    return found[0] if found else None


def _ascii(name: str) -> str:
    """Return a name as the authority lists it, except for rare characters."""
    try:
        return name.removesuffix(".").lower().encode("idna").decode()
    except UnicodeError:
        return name


def _unverified(error: HushpostError) -> Finding:
    text = error.message[:1].upper() + error.message[1:]
    if isinstance(error, AlreadyExistsError):
        return problem(_OWNERSHIP, f"{text}.", "Ask the operator which tenant has it.")
    advice = "Create the record, as `hushpost domains add` prints it."
    return problem(_OWNERSHIP, f"{text}.", advice)


def _state(domain: TrackingDomain) -> str:
    return "pending" if domain.verify_time is None else "verified"


def _records(domain: TrackingDomain) -> Table:
    table = new_table("type", "name", "value")
    for record in domain.dns_records:
        table.add_row(record.type, record.name, record.value)
    return table


def _table(found: list[TrackingDomain]) -> Table:
    table = new_table("domain", "tenant", "state", "default", "registered (UTC)", "by")
    for domain in found:
        table.add_row(
            domain.domain,
            domain.tenant_id,
            _state(domain),
            "yes" if domain.is_default else "",
            time_text(domain.create_time),
            domain.create_actor,
        )
    return table
