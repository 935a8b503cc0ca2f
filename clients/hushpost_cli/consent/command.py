"""The group `hushpost consent`, and its commands `get`, `set` and `log`."""

from contextlib import aclosing
from dataclasses import asdict
from typing import Annotated

import typer

from hushpost_cli._connected import connected
from hushpost_cli._connection import ConnectionOptions
from hushpost_cli._exit import print_lines
from hushpost_cli._options import AsJson, OneTenant
from hushpost_cli._tables import output
from hushpost_cli._times import period, time_option
from hushpost_cli.consent.tables import changes_table, preference_lines
from hushpost_cli.consent_log.command import Since, Source, Until, export_log, verify_log
from hushpost_client import (
    Consent,
    DecisionDetails,
    History,
    Hushpost,
    PreferenceChange,
    PreferenceSource,
)
from hushpost_documents.reports import json_text

__all__ = ["consent"]

_PAGE_SIZE = 1_000
_EVIDENCE = "Evidence"

consent = typer.Typer(help="Read, set and prove the consent of contacts to tracking.")
consent.command("export")(export_log)
consent.command("verify")(verify_log)


@consent.command("get")
@connected
def get_consent(
    contact: Annotated[str, typer.Argument(metavar="CONTACT", help="The id of the contact.")],
    *,
    as_json: AsJson = False,
    tenant: OneTenant = None,
    connection: ConnectionOptions,
) -> None:
    """Print the consent of a contact, and the tracking modes that follow from it.

    A contact that was never seen has not decided: unknown. Needs a key of
    role SENDER.
    """
    found = connection.read().run(
        lambda hushpost: hushpost.preferences.get_preference(contact, tenant_id=tenant)
    )
    if as_json:
        fields = asdict(found)
        del fields["recipient_view"]
        typer.echo(json_text(fields))
    else:
        print_lines(preference_lines(found))


@consent.command("set")
@connected
def set_consent(
    contact: Annotated[
        str, typer.Argument(metavar="CONTACT", help="The id of the contact; created if unknown.")
    ],
    *,
    opens: Annotated[
        Consent | None,
        typer.Option(case_sensitive=False, help="Consent to tracking opens. Default: unchanged."),
    ] = None,
    clicks: Annotated[
        Consent | None,
        typer.Option(case_sensitive=False, help="Consent to tracking clicks. Default: unchanged."),
    ] = None,
    history: Annotated[
        History | None,
        typer.Option(
            case_sensitive=False,
            help="What a refusal does with earlier events. Default: by the policy.",
        ),
    ] = None,
    source: Annotated[
        PreferenceSource | None,
        typer.Option(
            case_sensitive=False,
            metavar="SOURCE",
            help="sender, import or import_empty_cell. Default: sender.",
            rich_help_panel=_EVIDENCE,
        ),
    ] = None,
    evidence: Annotated[
        str | None,
        typer.Option(help="What proves it, in your words.", rich_help_panel=_EVIDENCE),
    ] = None,
    source_id: Annotated[
        str | None,
        typer.Option(help="The form, call or ticket.", rich_help_panel=_EVIDENCE),
    ] = None,
    wording_version: Annotated[
        str | None,
        typer.Option(
            help="The version of the wording that the recipient saw.", rich_help_panel=_EVIDENCE
        ),
    ] = None,
    wording_language: Annotated[
        str | None,
        typer.Option(help="Its language, such as fr or it-CH.", rich_help_panel=_EVIDENCE),
    ] = None,
    decided: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="When the recipient decided, if not now.",
            rich_help_panel=_EVIDENCE,
        ),
    ] = None,
    tenant: OneTenant = None,
    connection: ConnectionOptions,
) -> None:
    """Set the consent of a contact, with evidence for the log.

    Once the command has returned, a refusal is in force, and earlier events
    are anonymized unless --history keep is given.

    Needs a key of role SENDER.

    Example: hushpost consent set ann@example.com --opens denied
    --clicks granted --source-id "ticket 4711"
    """
    if opens is None and clicks is None:
        raise typer.BadParameter("give --opens, --clicks or both")
    details = DecisionDetails(
        source_id=source_id,
        wording_version=wording_version,
        wording_language=wording_language,
        decision_time=time_option(decided),
    )
    found = connection.read().run(
        lambda hushpost: hushpost.preferences.set_preference(
            contact,
            opens_consent=opens,
            clicks_consent=clicks,
            details=None if details == DecisionDetails() else details,
            source=source,
            evidence=evidence,
            history=history,
            tenant_id=tenant,
        ),
        interrupted="interrupted; see `hushpost consent get`",
    )
    print_lines(preference_lines(found))


@consent.command("log")
@connected
def print_log(
    contact: Annotated[
        str | None,
        typer.Argument(metavar="CONTACT", help="The id of the contact. Default: all contacts."),
    ] = None,
    *,
    source: Source = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Print at most N changes. Default: all."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print a line of JSON per change.")
    ] = False,
    tenant: OneTenant = None,
    connection: ConnectionOptions,
) -> None:
    """Print the log of changes of consent, the oldest first.

    `hushpost consent export` writes it to a file that can be verified. Needs
    a key of role SENDER.
    """
    start_time, end_time = period(since, until)

    async def read(hushpost: Hushpost) -> list[PreferenceChange]:
        changes: list[PreferenceChange] = []
        listing = hushpost.preferences.list_preference_changes(
            contact,
            source=source,
            start_time=start_time,
            end_time=end_time,
            page_size=min(limit or _PAGE_SIZE, _PAGE_SIZE),
            tenant_id=tenant,
        )
        async with aclosing(listing) as found:
            async for change in found:
                if as_json:
                    typer.echo(json_text(asdict(change), indent=None))
                changes.append(change)
                if len(changes) == limit:
                    break
        return changes

    changes = connection.read().run(read)
    if not as_json:
        output().print(changes_table(changes))
