"""Keep a copy of the log of preference changes, and replay it after a restore from a backup.

A restored database lacks the opt-outs that were made after the backup. Save the log often,
for example every five minutes by cron, to a disk that the database does not use:

    pip install 'hushpost[cli]'
    export HUSHPOST_API_KEY=hp_…      # of role SENDER
    python examples/preference_log.py save preferences.jsonl --authority localhost:50051

After a restore, before edges and senders use the authority again:

    python examples/preference_log.py replay preferences.jsonl --authority localhost:50051

sets each preference whose last change in the file is later than the last one that the
authority knows. So it never undoes a decision that was made after the restore, and running
it again changes nothing. The evidence of a replayed preference names its first source and time;
a decision of the RECIPIENT gets the source SENDER, because the file does not prove it.
"""
# ruff: noqa: INP001 - a script, not part of a package

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from hushpost_client import (
    Consent,
    DecisionDetails,
    Hushpost,
    PreferenceEntry,
    PreferenceSource,
)

BATCH = 1000
EVIDENCE_BYTES = 1024
ERASED = "erased:"
"""Prefix of the digest that replaces a contact that was erased with PSEUDONYMIZE."""

app = typer.Typer()
Authority = Annotated[str, typer.Option(help="Address of the authority, host:port.")]


class Change(NamedTuple):
    """A change of a preference, as a line of the file."""

    contact_id: str
    opens_consent: str
    clicks_consent: str
    opens_decided: bool
    clicks_decided: bool
    source: str
    evidence: str
    source_id: str | None
    wording_version: str | None
    wording_language: str | None
    decision_time: str
    time: str


async def read_log(client: Hushpost) -> AsyncIterator[Change]:
    """Read all changes from the authority, oldest first."""
    async with aclosing(client.preferences.list_preference_changes(page_size=BATCH)) as changes:
        async for change in changes:
            if change.contact_id.startswith(ERASED):
                continue
            if change.new_opens_consent and change.new_clicks_consent:
                details = change.details
                yield Change(
                    change.contact_id,
                    change.new_opens_consent.name,
                    change.new_clicks_consent.name,
                    change.opens_decided,
                    change.clicks_decided,
                    (change.source or PreferenceSource.SENDER).name,
                    change.evidence or "",
                    details.source_id,
                    details.wording_version,
                    details.wording_language,
                    (details.decision_time or change.change_time).isoformat(),
                    change.change_time.isoformat(),
                )


def read_file(file: Path) -> Iterator[Change]:
    """Read all changes from a file, oldest first."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield Change(*json.loads(line))


async def save_log(client: Hushpost, file: Path) -> int:
    """Replace the file by the current log, atomically; return the number of changes."""
    draft = file.with_name(f"{file.name}.new")
    count = 0
    with draft.open("w", encoding="utf-8") as lines:
        async for change in read_log(client):
            lines.write(json.dumps(change, ensure_ascii=False) + "\n")
            count += 1
        lines.flush()
        os.fsync(lines.fileno())
    draft.replace(file)
    return count


async def replay_file(client: Hushpost, file: Path) -> int:
    """Set the preferences that changed after the last change that the authority knows.

    A purpose that no lost change decided is left out: the log would otherwise say that it was
    decided, and by whom.
    """
    known = {change.contact_id: change.time async for change in read_log(client)}
    lost: dict[str, Change] = {}
    for change in read_file(file):
        if not _is_known(change, known.get(change.contact_id)):
            lost[change.contact_id] = _after(lost.get(change.contact_id), change)
    entries = [
        PreferenceEntry(
            change.contact_id,
            opens_consent=Consent[change.opens_consent] if change.opens_decided else None,
            clicks_consent=Consent[change.clicks_consent] if change.clicks_decided else None,
            source=_replayed_source(change),
            evidence=_replayed_evidence(change),
            details=_replayed_details(change),
        )
        for change in lost.values()
    ]
    for start in range(0, len(entries), BATCH):
        await client.preferences.batch_set_preferences(entries[start : start + BATCH])
    return len(entries)


def _after(earlier: Change | None, change: Change) -> Change:
    """Return a change that also decides what an earlier one of the contact decided."""
    if earlier is None:
        return change
    return change._replace(
        opens_decided=earlier.opens_decided or change.opens_decided,
        clicks_decided=earlier.clicks_decided or change.clicks_decided,
    )


def _replayed_source(change: Change) -> PreferenceSource:
    """Return the source to replay: only a preference token makes it RECIPIENT."""
    source = PreferenceSource[change.source]
    return PreferenceSource.SENDER if source is PreferenceSource.RECIPIENT else source


def _replayed_evidence(change: Change) -> str:
    """Say when and by whom the preference was set first, before the evidence of that time."""
    evidence = f"replayed: {change.source} at {change.time}; {change.evidence}".encode()
    return evidence[:EVIDENCE_BYTES].decode(errors="ignore")


def _replayed_details(change: Change) -> DecisionDetails:
    return DecisionDetails(
        source_id=change.source_id,
        wording_version=change.wording_version,
        wording_language=change.wording_language,
        decision_time=datetime.fromisoformat(change.decision_time),
    )


def _is_known(change: Change, known: str | None) -> bool:
    return known is not None and datetime.fromisoformat(change.time) <= datetime.fromisoformat(
        known
    )


@app.command()
def save(file: Path, authority: Authority = "localhost:50051") -> None:
    """Copy the log of preference changes to FILE."""

    async def run() -> int:
        async with Hushpost.connect(authority, api_key=os.environ["HUSHPOST_API_KEY"]) as client:
            return await save_log(client, file)

    typer.echo(f"{file}: {asyncio.run(run())} changes saved")


@app.command()
def replay(file: Path, authority: Authority = "localhost:50051") -> None:
    """Set the preferences in FILE that the authority has lost."""

    async def run() -> int:
        async with Hushpost.connect(authority, api_key=os.environ["HUSHPOST_API_KEY"]) as client:
            return await replay_file(client, file)

    typer.echo(f"{asyncio.run(run())} preferences replayed")


if __name__ == "__main__":
    app()
