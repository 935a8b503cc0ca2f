"""`hushpost export` and `hushpost consent` against a real authority."""

import csv
import itertools
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hushpost_client import (
    Consent,
    DecisionDetails,
    DoNotTrack,
    PreferenceEntry,
    PreferenceSource,
    Proof,
)
from tests.conftest import make_tenant

NUMBERS = itertools.count(1)
contact_ids = st.builds(
    str.__add__,
    st.sampled_from(["", "", "=", "+", "-", "@", "'", "'=", "a;=", 'a"=', "\uff1d"]),
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20),
).filter(lambda contact_id: contact_id == contact_id.strip())
consents = st.sampled_from(list(Consent))


@pytest.fixture
def command(hushpost: Any, authority: Any, tenant: Any) -> Any:
    """Run a command with a SENDER key of the tenant."""

    async def run(*arguments: str | Path) -> Any:
        fixed = ("--tenant", tenant.tenant_id, "--authority", authority.target)
        return await hushpost(*arguments, *fixed, key=tenant.sender_key)

    return run


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def names(folder: Path) -> set[str]:
    """Return the names of the files in a folder."""
    return {each.name for each in folder.iterdir()}


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(contact_ids, st.tuples(consents, consents), min_size=100, max_size=200))
async def test_importing_an_export_changes_nothing(
    command: Any, clients: Any, tmp_path: Path, contacts: dict[str, tuple[Consent, Consent]]
) -> None:
    """What `hushpost export` wrote, `hushpost import` reads as the state that it is."""
    preferences = clients.sender.preferences
    await preferences.batch_set_preferences(
        PreferenceEntry(contact_id, opens_consent=opens, clicks_consent=clicks)
        for contact_id, (opens, clicks) in contacts.items()
    )
    before = [each async for each in preferences.list_contacts()]
    changes = [each async for each in preferences.list_preference_changes()]
    path = tmp_path / f"{next(NUMBERS)}.csv"
    exported = await command("export", path)
    assert (exported.code, exported.out) == (0, f"{path}: {len(before):,} contacts exported\n")
    done = await command("import", path, "--overrule-recipients")
    assert (done.code, done.err) == (0, "")
    assert f"{len(before):,} contacts imported: 0 new, 0 changed" in done.out
    assert [each async for each in preferences.list_contacts()] == before
    assert [each async for each in preferences.list_preference_changes()] == changes


async def test_an_import_into_another_tenant_copies_the_consent(
    command: Any, hushpost: Any, authority: Any, clients: Any, tmp_path: Path
) -> None:
    """An export moves contacts with every combination of consents to another tenant."""
    pairs = {
        f"{opens}-{clicks}".lower(): (opens, clicks)
        for opens, clicks in itertools.product(Consent, repeat=2)
    }
    await clients.sender.preferences.batch_set_preferences(
        PreferenceEntry(name, opens_consent=opens, clicks_consent=clicks)
        for name, (opens, clicks) in pairs.items()
    )
    await command("export", tmp_path / "all.csv")
    other = await make_tenant(authority)
    fixed = ("--tenant", other.tenant_id, "--authority", authority.target)
    done = await hushpost("import", tmp_path / "all.csv", *fixed, key=other.sender_key)
    assert done.code == 0
    async with authority.client(other.sender_key) as client:
        copied = {
            each.contact_id: (each.opens_consent, each.clicks_consent)
            async for each in client.preferences.list_contacts()
        }
    assert copied == pairs


async def test_an_export_has_the_stricter_consent_and_its_statement(
    command: Any, clients: Any, tmp_path: Path
) -> None:
    """`tracking_consent` is the stricter of both; source and time are those of the log.

    The time is when the contact decided, if that is known, else when that was recorded.
    """
    preferences = clients.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.FALSE)
    stated = DecisionDetails(source_id="=7", decision_time=datetime(2026, 7, 17, tzinfo=UTC))
    await preferences.set_preference("ann", opens_consent=Consent.DENIED, details=stated)
    bob = await preferences.set_preference("bob", DoNotTrack.TRUE, source=PreferenceSource.IMPORT)
    await preferences.batch_set_preferences([PreferenceEntry("cid")])
    await command("export", tmp_path / "out.csv")
    rows = [list(row.values()) for row in rows_of(tmp_path / "out.csv")]
    recorded = bob.update_time.isoformat().replace("+00:00", "Z")
    assert rows == [
        ["ann", "denied", "denied", "granted", "sender", "'=7", "2026-07-17T00:00:00Z"],
        ["bob", "denied", "denied", "denied", "import", "", recorded],
        ["cid", "unknown", "unknown", "unknown", "", "", ""],
    ]


async def test_an_export_can_be_filtered(command: Any, clients: Any, tmp_path: Path) -> None:
    """Filters select contacts by their decisions, for example those that may be asked."""
    preferences = clients.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE)
    await preferences.set_preference("bob", DoNotTrack.FALSE)
    await preferences.batch_set_preferences([PreferenceEntry("cid")])
    filters = {
        "denied": ("--opens-consent", "denied", "--clicks-consent", "DENIED"),
        "any": ("--opens-consent", "denied", "--opens-consent", "granted"),
        "never": ("--never-decided",),
        "asked": ("--may-be-asked",),
        "before": ("--decided-before", "2026-01-01"),
    }
    found = {}
    for name, options in filters.items():
        assert (await command("export", tmp_path / name, *options)).code == 0
        found[name] = [row["contact_id"] for row in rows_of(tmp_path / name)]
    assert found == {
        "denied": ["ann"],
        "any": ["ann", "bob"],
        "never": ["cid"],
        "asked": ["cid"],
        "before": [],
    }
    assert (await command("export", tmp_path / "x", "--decided-before", "soon")).code == 2


async def test_an_export_writes_a_whole_new_file_or_none(command: Any, tmp_path: Path) -> None:
    """An existing file is kept, a failure leaves nothing, `-` is standard output."""
    path = tmp_path / "out.csv"
    path.write_text("mine")
    kept = await command("export", path)
    assert (kept.code, path.read_text()) == (2, "mine")
    assert "exists; choose another name" in kept.err
    wrong_key = tmp_path / "key"
    wrong_key.write_text("hp_wrong")
    wrong_key.chmod(0o600)
    assert (await command("export", tmp_path / "new.csv", "--api-key-file", wrong_key)).code == 5
    assert names(tmp_path) == {"key", "out.csv"}
    assert (await command("export", tmp_path / "new.csv")).code == 0
    assert (tmp_path / "new.csv").stat().st_mode & 0o777 == 0o600
    shown = await command("export", "-")
    assert shown.out.startswith("contact_id,tracking_consent,")
    assert shown.err == "-: 0 contacts exported\n"
    assert (await command("export", tmp_path / "absent" / "x.csv")).code == 1


async def test_a_file_of_decisions_is_logged_with_its_evidence(
    command: Any, clients: Any, contacts: Any
) -> None:
    """Consent per purpose is stored; the log has the source, its id and the time of the file."""
    path = contacts(
        "contact_id,tracking_consent,tracking_consent_clicks,tracking_consent_source,"
        "tracking_consent_source_id,tracking_consent_time\n"
        "ann,granted,denied,preference centre,form-7,2026-07-17T14:24:30+02:00\n"
        "bob,,,,,\n"
        "cid,withdrawn,,,,\n"
    )
    first = await command("import", path)
    assert "3 contacts imported: 3 new, 2 changed" in first.out
    preferences = clients.sender.preferences
    ann = await preferences.get_preference("ann")
    assert (ann.opens_consent, ann.clicks_consent) == (Consent.GRANTED, Consent.DENIED)
    log = {each.contact_id: each async for each in preferences.list_preference_changes()}
    assert log.keys() == {"ann", "cid"}
    change = log["ann"]
    assert change.source is PreferenceSource.IMPORT
    assert change.evidence == "contacts.csv:2; source: preference centre"
    assert change.details == DecisionDetails(
        source_id="form-7", decision_time=datetime(2026, 7, 17, 12, 24, 30, tzinfo=UTC)
    )
    assert log["cid"].new_opens_consent is Consent.WITHDRAWN
    assert "3 contacts imported: 0 new, 0 changed" in (await command("import", path)).out
    dry = await command("import", path, "--dry-run")
    assert "consent to clicks: granted 0, unknown 0, denied 1, withdrawn 1" in dry.out
    assert "0 preferences loosened, 0 tightened, 3 kept" in dry.out
    assert "consent to opens: granted 1, unknown 0, denied 0, withdrawn 1" in dry.out


async def test_files_of_mapp_and_brevo_are_imported(
    command: Any, clients: Any, contacts: Any
) -> None:
    """Both are imported as they are; Brevo's consent to pixels leaves clicks alone."""
    mapp = await command(
        "import",
        contacts(
            '"user.Email","user.FirstName","user.CustomAttribute.tracking_consent",'
            '"user.CustomAttribute.tracking_consent_source"\r\n'
            '"ann@example.com","Ann","granted","registration form"\r\n'
            '"bob@example.com","","denied",""\r\n'
            '"cid@example.com","","",""\r\n'
        ),
    )
    assert mapp.code == 0
    assert "the column user.Email has the contact ids" in mapp.err
    assert "ignoring the columns user.FirstName" in mapp.err
    brevo = await command(
        "import",
        contacts(
            "\ufeffCONTACT ID;EMAIL;_PIXEL_TRACKING_CONSENT;_PIXEL_TRACKING_CONSENT_DATE;"
            "_PIXEL_TRACKING_CONSENT_SOURCE;ADDED_TIME;MODIFIED_TIME\n"
            "1;ann@example.com;false;2026-07-17T14:24:30.070Z;revocation_link;;\n"
            "2;dan@example.com;true;;form;;\n"
        ),
    )
    assert brevo.code == 0
    stored = {
        each.contact_id: (each.opens_consent, each.clicks_consent)
        async for each in clients.sender.preferences.list_contacts()
    }
    assert stored == {
        "ann@example.com": (Consent.WITHDRAWN, Consent.GRANTED),
        "bob@example.com": (Consent.DENIED, Consent.DENIED),
        "cid@example.com": (Consent.UNKNOWN, Consent.UNKNOWN),
        "dan@example.com": (Consent.GRANTED, Consent.UNKNOWN),
    }


async def test_the_log_is_exported_and_verified(
    command: Any, hushpost: Any, clients: Any, tmp_path: Path
) -> None:
    """Both formats have all evidence and one digest; a later export extends an earlier one."""
    preferences = clients.sender.preferences
    details = DecisionDetails(
        source_id="=form",
        wording_version="3",
        wording_language="it",
        decision_time=datetime.now(UTC),
    )
    await preferences.set_preference(
        "ann", opens_consent=Consent.GRANTED, evidence="ticket 1\n=1", details=details
    )
    await preferences.set_preference("bob", DoNotTrack.TRUE)
    digests = []
    for name in ("log.csv", "log.jsonl"):
        done = await command("consent", "export", tmp_path / name)
        assert (done.code, done.out.splitlines()[0]) == (
            0,
            f"{tmp_path / name}: 2 changes exported",
        )
        digests.append(done.out.splitlines()[1].removeprefix("digest: "))
    assert digests[0] == digests[1]
    first = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert {
        "contact_id": "ann",
        "old_opens_consent": "unknown",
        "new_opens_consent": "granted",
        "opens_decided": "true",
        "clicks_decided": "false",
        "source": "sender",
        "source_id": "=form",
        "evidence": "ticket 1\n=1",
        "wording_version": "3",
        "wording_language": "it",
    }.items() <= first.items()
    assert rows_of(tmp_path / "log.csv")[0]["evidence"] == "ticket 1\n'=1"
    await preferences.set_preference("bob", DoNotTrack.FALSE)
    await command("consent", "export", tmp_path / "later.csv")
    verify = ("consent", "verify", tmp_path / "later.csv", "--extends", tmp_path / "log.jsonl")
    done = await hushpost(*verify)
    assert (done.code, "extends log.jsonl by 1 changes" in done.out) == (0, True)


@pytest.mark.parametrize("proof", list(Proof))
async def test_an_erasure_shows_in_the_next_export(
    command: Any, hushpost: Any, clients: Any, tmp_path: Path, proof: Proof
) -> None:
    """An erased contact is reported, whether its log was deleted or pseudonymized."""
    preferences = clients.sender.preferences
    for contact_id, choice in itertools.product(
        ("ann", "bob"), (DoNotTrack.TRUE, DoNotTrack.FALSE)
    ):
        await preferences.set_preference(contact_id, choice)
    await command("consent", "export", tmp_path / "earlier.csv")
    await preferences.erase_contact("ann", proof=proof)
    await preferences.set_preference("ann", DoNotTrack.FALSE)
    await command("consent", "export", tmp_path / "later.csv")
    verify = ("consent", "verify", tmp_path / "later.csv", "--extends", tmp_path / "earlier.csv")
    done = await hushpost(*verify)
    assert done.code == 3
    assert "2 changes of 1 contacts are erased" in done.out


async def test_the_log_can_be_filtered(command: Any, clients: Any, tmp_path: Path) -> None:
    """An export of the log can be of a contact, a source and a time."""
    preferences = clients.sender.preferences
    await preferences.set_preference("ann", DoNotTrack.TRUE)
    await preferences.set_preference("bob", DoNotTrack.TRUE, source=PreferenceSource.IMPORT)
    filters = {
        "contact": ("--contact-id", "ann"),
        "source": ("--source", "import"),
        "since": ("--since", "2026-01-01"),
        "until": ("--until", "2026-01-01"),
    }
    found = {}
    for name, options in filters.items():
        done = await command("consent", "export", tmp_path / name, "--format", "csv", *options)
        assert done.code == 0
        found[name] = [row["contact_id"] for row in rows_of(tmp_path / name)[:-1]]
    assert found == {"contact": ["ann"], "source": ["bob"], "since": ["ann", "bob"], "until": []}


@pytest.mark.parametrize("until", ["2026-02-01", "2026-03-01T00:00+01:00", "2026-03-01"])
async def test_an_empty_period_is_no_log(command: Any, tmp_path: Path, until: str) -> None:
    """A period without any time is an error, because an empty log would look like evidence."""
    done = await command(
        *("consent", "export", tmp_path / "log.csv", "--since", "2026-03-01", "--until", until)
    )
    assert (done.code, names(tmp_path)) == (2, set())
    assert "--until must be later than --since" in done.err
