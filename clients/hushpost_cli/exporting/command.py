"""The command `hushpost export`."""

import csv
from typing import Annotated, TextIO

import typer

from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._options import (
    NewFile,
    Tenant,
)
from hushpost_cli._times import time_option
from hushpost_cli.exporting.rows import COLUMNS, row
from hushpost_cli.exporting.runner import PAGE_SIZE, run
from hushpost_cli.exporting.statements import LatestStatements
from hushpost_client import Consent, Hushpost

__all__ = ["export_contacts"]

_FILTERS = "Filters"


@connected
def export_contacts(
    file: NewFile,
    *,
    tenant: Tenant,
    connection: ConnectionOptions,
    opens_consent: Annotated[
        list[Consent] | None,
        typer.Option(
            case_sensitive=False,
            help="Only contacts with this consent to opens; may be repeated.",
            rich_help_panel=_FILTERS,
        ),
    ] = None,
    clicks_consent: Annotated[
        list[Consent] | None,
        typer.Option(
            case_sensitive=False,
            help="Only contacts with this consent to clicks; may be repeated.",
            rich_help_panel=_FILTERS,
        ),
    ] = None,
    decided_before: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Only contacts whose preference last changed before this time.",
            rich_help_panel=_FILTERS,
        ),
    ] = None,
    never_decided: Annotated[
        bool,
        typer.Option(
            "--never-decided",
            help="Only contacts whose preference never changed.",
            rich_help_panel=_FILTERS,
        ),
    ] = False,
    may_be_asked: Annotated[
        bool,
        typer.Option(
            "--may-be-asked",
            help="Only contacts that may be asked for consent now, by the policy.",
            rich_help_panel=_FILTERS,
        ),
    ] = False,
) -> None:
    """Write contacts and their consent to a CSV file.

    Columns: contact_id, tracking_consent (the stricter of both purposes),
    tracking_consent_opens, tracking_consent_clicks, tracking_consent_source,
    tracking_consent_source_id and tracking_consent_time (of the last decision).
    Importing the file again changes nothing. Cells that look like formulas
    start with an apostrophe, which an import removes.

    The file must not exist yet. Needs a key of role SENDER.

    Example: hushpost export contacts.csv --tenant acme --may-be-asked
    """
    before = time_option(decided_before)

    async def write(text: TextIO, hushpost: Hushpost) -> list[str]:
        preferences = hushpost.preferences
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        contacts = 0
        with LatestStatements() as statements:
            log = preferences.list_preference_changes(page_size=PAGE_SIZE, tenant_id=tenant)
            async for change in log:
                statements.add(change)
            async for preference in preferences.list_contacts(
                opens_consents=opens_consent or (),
                clicks_consents=clicks_consent or (),
                decided_before=before,
                never_decided=never_decided,
                may_be_asked=may_be_asked,
                page_size=PAGE_SIZE,
                tenant_id=tenant,
            ):
                contact_id = preference.contact_id or ""
                statement = statements.of(contact_id, preference.update_time)
                writer.writerow(row(preference, statement))
                contacts += 1
        return [f"{file}: {contacts:,} contacts exported"]

    run(file, connection.read(), write)
