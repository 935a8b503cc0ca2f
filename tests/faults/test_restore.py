"""After a restore from a backup, mail that was sent since then names nobody else."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hushpost_client import (
    Consent,
    DecisionDetails,
    DoNotTrack,
    ErrorReason,
    Event,
    HushpostError,
    PolicyUpdate,
    PreferenceEntry,
    PreferenceSource,
    Release,
    Verdict,
)
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import Clients, TenantKeys, make_tenant
from tests.faults.backups import Backup, BaseBackup, Dump, Failover
from tests.faults.extent import FULL
from tests.faults.load import PatientAuthority
from tests.mailing import GROUP, URLS, Mailing, clients_of, exact_count, send

PREFERENCE_LOG = Path(__file__).parents[2] / "examples" / "preference_log.py"

PEOPLE = 20
QUIET = 1500
"""Anonymous messages before and after the restore: enough that two halves of one block of
4,096 slots, each in a random order, would share hundreds of slots."""


@dataclass
class Town:
    """An authority with one mailing, and its backup."""

    process: AuthorityProcess
    keys: TenantKeys
    clients: Clients
    mailing: Mailing
    backup: Backup

    async def issue(self, names: Sequence[str]) -> list[str]:
        """Issue tokens of the mailing's campaign to contacts."""
        issued = await self.clients.sender.campaigns.issue_tokens("spring", GROUP, names)
        return [token.token for token in issued.tokens if token.token]

    async def preference_token(self, name: str) -> str:
        """Issue a preference token to a contact."""
        issued = await self.clients.sender.campaigns.issue_tokens(
            "spring", GROUP, [name], include_preference_tokens=True
        )
        token = issued.tokens[0].preference_token
        assert token
        return token

    async def after_restore(self) -> None:
        """Run the command that the guide asks for."""
        done = await asyncio.create_subprocess_exec(
            HUSHPOST, "after-restore", "--data-dir", self.process.data_dir, stdout=PIPE
        )
        output, _ = await done.communicate()
        assert done.returncode == 0
        assert output.decode() == "prepared; skipped the due releases of 0 campaigns\n"

    async def click(self, tokens: Sequence[str]) -> list[ErrorReason | None]:
        """Record a click with each token; return the reasons of those that were rejected."""
        recorded = await self.clients.edge.tracking.record_events(
            [Event(token, link_number=1, verdict=Verdict.HUMAN) for token in tokens]
        )
        return [rejected.reason for rejected in recorded.rejected]


def restored_from(*kinds: type[Backup]) -> pytest.MarkDecorator:
    """Run a test with some kinds of backups."""
    ids = [kind.__name__ for kind in kinds]
    return pytest.mark.parametrize("town", kinds, indirect=True, ids=ids)


@pytest.fixture
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    """A mailing to ann and ben, and contacts who do not want to be tracked; then a backup."""
    async with AsyncExitStack() as stack:
        process = stack.enter_context(AuthorityProcess(tmp_path))
        authority = PatientAuthority(process, process.target, process.admin_key())
        keys = await make_tenant(authority, PolicyUpdate(release=Release.EXACT))
        clients = await clients_of(stack, authority, keys=keys)
        await clients.sender.preferences.batch_set_preferences(
            [
                PreferenceEntry(name, DoNotTrack.TRUE)
                for name in _names("quiet-lost", QUIET) + _names("quiet-new", QUIET)
            ]
        )
        mailing = await send(clients, ["ann", "ben"])
        backup = request.param(process, tmp_path)
        await backup.take(clients)
        yield Town(process, keys, clients, mailing, backup)


def _names(prefix: str, count: int = PEOPLE) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


@restored_from(*((Dump, Failover, BaseBackup) if FULL else (Failover,)))
async def test_a_click_on_mail_sent_after_the_backup_names_nobody_else(town: Town) -> None:
    """Contacts and slots that the restored database does not know are not used again."""
    lost = await town.issue(_names("lost"))
    quiet_lost = await town.issue(_names("quiet-lost", QUIET))
    of_lost_campaign = list((await send(town.clients, _names("lost"), "lost")).tokens.values())
    await town.backup.restore(town.clients)
    await town.after_restore()

    new = await town.issue(_names("new"))
    quiet_new = await town.issue(_names("quiet-new", QUIET))
    assert await town.click([*lost, *quiet_lost, *quiet_new]) == []
    assert set(await town.click(of_lost_campaign)) == {ErrorReason.CAMPAIGN_NOT_FOUND}
    assert await town.mailing.engaged() == set()
    await town.click(new)
    await town.mailing.click("ann")
    assert await town.mailing.engaged() == {"ann", *_names("new")}
    clicks = (await town.mailing.stats()).clicks.human
    assert clicks.identified.unique == PEOPLE + 1
    assert exact_count(clicks.anonymous).unique == PEOPLE + 2 * QUIET


@restored_from(Failover)
async def test_an_authority_that_keeps_running_forgets_what_was_lost(town: Town) -> None:
    """Lost campaigns and tenants can be created again, and their links reach edges that are ahead."""
    watch = town.clients.edge.tracking.watch_links
    await send(town.clients, _names("lost"), "lost")
    await town.clients.installation.admin.create_tenant("lost")
    cursor = None
    async for update in watch():
        cursor = update.cursor
        if update.snapshot_complete:
            break
    await town.backup.restore(town.clients)

    mailing = await send(town.clients, ["ann"], "lost")
    await mailing.click("ann")
    assert await mailing.engaged() == {"ann"}
    await town.clients.installation.admin.create_tenant("lost")
    seen: list[str] = []
    async for update in watch(cursor):
        seen += [link.url for link in update.links]
        if update.snapshot_complete:
            break
    assert set(seen) == set(URLS)


@restored_from(Dump)
async def test_preference_tokens_and_saved_preferences(town: Town, tmp_path: Path) -> None:
    """Links of lost contacts open for nobody else; the example replays lost opt-outs only."""
    preferences = town.clients.sender.preferences
    of_ann, of_lost = await town.preference_token("ann"), await town.preference_token("lost")
    details = DecisionDetails(wording_version="2026-09", wording_language="fr")
    await preferences.set_preference_by_token(of_ann, clicks_consent=Consent.GRANTED)
    decided = await preferences.set_preference_by_token(
        of_ann, clicks_consent=Consent.DENIED, evidence="form 7", details=details
    )
    await preferences.set_preference("ben", DoNotTrack.TRUE)
    assert f"{2 * QUIET + 3} changes saved" in await _preference_log(town, "save", tmp_path)
    await town.backup.restore(town.clients)

    await town.issue(_names("new"))
    edge = town.clients.edge.preferences
    assert (await edge.get_preference_by_token(of_ann)).do_not_track is DoNotTrack.UNSET
    with pytest.raises(HushpostError) as caught:
        await edge.set_preference_by_token(of_lost, DoNotTrack.TRUE)
    assert caught.value.reason is ErrorReason.CONTACT_ERASED

    await preferences.set_preference("ben", DoNotTrack.FALSE)
    assert "1 preferences replayed" in await _preference_log(town, "replay", tmp_path)
    replayed = await edge.get_preference_by_token(of_ann)
    assert replayed.opens_consent is Consent.UNKNOWN
    assert replayed.clicks_consent is Consent.DENIED
    assert (await preferences.get_preference("ben")).do_not_track is DoNotTrack.FALSE
    (change,) = [change async for change in preferences.list_preference_changes("ann")]
    assert (change.opens_decided, change.clicks_decided) == (False, True)
    assert change.source is PreferenceSource.SENDER
    assert change.evidence is not None
    assert change.evidence.startswith("replayed: RECIPIENT at 20")
    assert change.evidence.endswith("; form 7")
    assert change.details == replace(details, decision_time=decided.update_time)
    assert "0 preferences replayed" in await _preference_log(town, "replay", tmp_path)


async def _preference_log(town: Town, command: str, folder: Path) -> str:
    """Run examples/preference_log.py; return what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        PREFERENCE_LOG,
        command,
        folder / "preferences.jsonl",
        f"--authority={town.process.target}",
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, "HUSHPOST_API_KEY": town.keys.sender_key},
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()
