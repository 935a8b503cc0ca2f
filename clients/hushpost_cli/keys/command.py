"""The commands `hushpost keys create`, `list` and `revoke`."""

from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TextIO

import typer

from hushpost_cli._confirmation import confirm
from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._exit import NOT_FOUND, fail
from hushpost_cli._options import AsJson, Yes
from hushpost_cli._tables import output
from hushpost_cli._times import time_option
from hushpost_cli.exporting.runner import run
from hushpost_cli.keys.listing import VALID, description, keys_table, state
from hushpost_client import ApiKey, Hushpost, Role
from hushpost_documents.reports import json_text

__all__ = ["keys"]

_PAGE_SIZE = 1_000
_MAX_DAYS = 36_500

keys = typer.Typer(help="Create, list and revoke API keys.")


@keys.command("create")
@connected
def create_key(
    role: Annotated[
        Role,
        typer.Argument(case_sensitive=False, metavar="ROLE", help="What the key may do."),
    ],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="The file to write the key to; - prints it, this once."
        ),
    ],
    *,
    tenant: Annotated[
        str | None,
        typer.Option(
            help="The tenant of the new key. Default: that of the calling key. Not for edge."
        ),
    ] = None,
    edge_tenant: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TENANT",
            help="For edge: a tenant that the key is limited to; may be repeated. Default: all.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What the key is for, for people.")] = None,
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, max=_MAX_DAYS, metavar="DAYS", help="Default: never.")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(metavar="TIME", help="When it expires, instead of a number.")
    ] = None,
    connection: ConnectionOptions,
) -> None:
    """Create an API key and write it to a new file, which only you can read.

    The authority stores only a hash: the key can't be read again. An admin key
    without a tenant is for the whole installation.

    Needs a key of role ADMIN; for edge keys and admin keys without a tenant,
    one of the installation.

    Example: hushpost keys create sender sender.key --tenant acme
    """
    if expires_in_days is not None and expires is not None:
        raise typer.BadParameter("--expires contradicts --expires-in-days")
    expire_time = time_option(expires)
    if expires_in_days is not None:
        expire_time = datetime.now(UTC) + timedelta(days=expires_in_days)

    async def create(text: TextIO, hushpost: Hushpost) -> list[str]:
        new = await hushpost.admin.create_api_key(
            role,
            tenant_id=tenant,
            display_name=name,
            edge_tenant_ids=edge_tenant or (),
            expire_time=expire_time,
        )
        if new.secret is None:
            # An earlier try of the call created it, and its response was lost.
            await hushpost.admin.revoke_api_key(new.api_key.key_id)
            raise fail(f"the response with key {new.api_key.key_id} was lost; try again")
        text.write(f"{new.secret}\n")
        return [f"{file}: {description(new.api_key)}"]

    run(file, connection.read(), create)


@keys.command("list")
@connected
def list_keys(
    *,
    tenant: Annotated[
        str | None, typer.Option(help="Only keys of this tenant. Default: all that are permitted.")
    ] = None,
    include_ended: Annotated[
        bool, typer.Option("--all", help="Also list revoked and expired keys.")
    ] = False,
    as_json: AsJson = False,
    connection: ConnectionOptions,
) -> None:
    """List API keys, the oldest first: who created them, and when they were last used.

    Needs a key of role ADMIN.
    """

    async def read(hushpost: Hushpost) -> list[ApiKey]:
        listing = hushpost.admin.list_api_keys(tenant_id=tenant, page_size=_PAGE_SIZE)
        return [key async for key in listing]

    now = datetime.now(UTC)
    found = [
        key for key in connection.read().run(read) if include_ended or state(key, now) == VALID
    ]
    if as_json:
        typer.echo(json_text([asdict(key) for key in found]))
    else:
        output().print(keys_table(found, now))


@keys.command("revoke")
@connected
def revoke_key(
    key_id: Annotated[
        str, typer.Argument(metavar="KEY_ID", help="The id of the key, as `keys list` prints it.")
    ],
    *,
    yes: Yes = False,
    connection: ConnectionOptions,
) -> None:
    """Revoke an API key permanently. Every authority rejects it within a second.

    Needs a key of role ADMIN.
    """
    opened = connection.read()

    async def find(hushpost: Hushpost) -> ApiKey | None:
        async with aclosing(hushpost.admin.list_api_keys(page_size=_PAGE_SIZE)) as listing:
            return await anext((key async for key in listing if key.key_id == key_id), None)

    found = opened.run(find)
    if found is None:
        raise fail(f"there is no API key {key_id}", NOT_FOUND)
    if not yes:
        confirm(f"Revoke {description(found)}? This cannot be undone.", "no key was revoked")
    opened.run(
        lambda hushpost: hushpost.admin.revoke_api_key(key_id),
        interrupted="interrupted; see `hushpost keys list --all`",
    )
    typer.echo(f"revoked {description(found)}")
