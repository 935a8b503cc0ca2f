"""`hushpost consent get`, `set` and `log` against a real authority."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hushpost_client import Consent, DoNotTrack, PolicyUpdate, PreferenceSource, Release
from tests.conftest import Clients
from tests.mailing import send


@pytest.fixture
def consent(hushpost: Any, authority: Any, tenant: Any) -> Any:
    """Run `hushpost consent` with a SENDER key of the tenant."""

    async def run(*arguments: str, key: str = tenant.sender_key) -> Any:
        return await hushpost("consent", *arguments, "--authority", authority.target, key=key)

    return run


async def test_get_prints_consent_and_modes(consent: Any, clients: Clients) -> None:
    """A contact has a consent and a mode for each purpose; an unknown one has not decided."""
    unknown = await consent("get", "ann")
    assert (unknown.code, unknown.err) == (0, "")
    assert unknown.out == (
        "contact: ann\nopens: unknown, mode IDENTIFIED\nclicks: unknown, mode IDENTIFIED\n"
        "last change: never\n"
    )
    await clients.sender.preferences.set_preference(
        "ann", opens_consent=Consent.DENIED, clicks_consent=Consent.GRANTED
    )
    known = await consent("get", "ann")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert known.out.startswith(
        "contact: ann\nopens: denied, mode ANONYMOUS\nclicks: granted, mode IDENTIFIED\n"
        f"last change: {today}"
    )
    printed = json.loads((await consent("get", "ann", "--json")).out)
    preference = await clients.sender.preferences.get_preference("ann")
    assert printed == {
        "contact_id": "ann",
        "do_not_track": "TRUE",
        "mode": "ANONYMOUS",
        "update_time": str(preference.update_time).replace(" ", "T").replace("+00:00", "Z"),
        "opens_consent": "DENIED",
        "clicks_consent": "GRANTED",
        "opens_mode": "ANONYMOUS",
        "clicks_mode": "IDENTIFIED",
    }


async def test_set_changes_one_purpose_and_logs_the_evidence(
    consent: Any, clients: Clients
) -> None:
    """The other purpose stays, and the log has everything that was given."""
    done = await consent(
        *("set", "ann", "--opens", "Granted", "--source", "import", "--evidence", "on paper"),
        *("--source-id", "form 7", "--wording-version", "3", "--wording-language", "it"),
        *("--decided", "2026-01-02T03:04:05+01:00"),
    )
    assert (done.code, done.err) == (0, "")
    assert "opens: granted, mode IDENTIFIED\nclicks: unknown" in done.out
    (change,) = [each async for each in clients.sender.preferences.list_preference_changes()]
    details = change.details
    assert (change.source, change.evidence) == (PreferenceSource.IMPORT, "on paper")
    assert (change.opens_decided, change.clicks_decided) == (True, False)
    assert (details.source_id, details.wording_version, details.wording_language) == (
        "form 7",
        "3",
        "it",
    )
    assert details.decision_time == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(("history", "kept"), [("keep", 1), ("anonymize", 0)])
async def test_a_refusal_treats_earlier_events_as_asked(
    consent: Any, clients: Clients, history: str, kept: int
) -> None:
    """`--history keep` keeps identified events; `anonymize` does not."""
    await clients.admin.admin.update_policy(PolicyUpdate(release=Release.EXACT))
    sent = await send(clients, ["ann"])
    await sent.open("ann")
    done = await consent("set", "ann", "--opens", "denied", "--history", history)
    assert (done.code, done.err) == (0, "")
    assert (await sent.stats()).opens.human.identified.unique == kept


async def test_the_log_says_what_changed_and_why(consent: Any, clients: Clients) -> None:
    """A line per change, the oldest first: of one contact, or of all; filters as in exports."""
    preferences = clients.sender.preferences
    start = datetime.now(UTC) - timedelta(minutes=10)
    await preferences.set_preference("ann", DoNotTrack.TRUE, evidence="\x1b[31m ticket")
    await preferences.set_preference("bob", DoNotTrack.FALSE, source=PreferenceSource.IMPORT)
    await preferences.set_preference("ann", opens_consent=Consent.GRANTED)
    done = await consent("log", "ann")
    rows = [line.split() for line in done.out.splitlines() if " ann " in line]
    assert [row[3:10] for row in rows] == [
        ["unknown", "->", "denied", "unknown", "->", "denied", "sender"],
        ["denied", "->", "granted", "denied", "sender", *rows[1][8:10]],
    ]
    assert "\ufffd[31m ticket" in done.out
    assert "\x1b" not in done.out
    found = {}
    for name, options in {
        "all": (),
        "limit": ("--limit", "1"),
        "source": ("--source", "import"),
        "since": ("--since", start.isoformat()),
        "until": ("--until", start.isoformat()),
    }.items():
        lines = (await consent("log", "--json", *options)).out.splitlines()
        found[name] = [json.loads(line)["contact_id"] for line in lines]
    assert found == {
        "all": ["ann", "bob", "ann"],
        "limit": ["ann"],
        "source": ["bob"],
        "since": ["ann", "bob", "ann"],
        "until": [],
    }


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["set", "ann"], 2, "give --opens, --clicks or both"),
        (["set", "ann", "--opens", "perhaps"], 2, "perhaps"),
        (["set", "ann", "--opens", "denied", "--decided", "soon"], 2, "soon"),
        (["set", "ann", "--opens", "denied", "--source", "recipient"], 1, "RECIPIENT"),
        (["log", "--since", "2026-02-01", "--until", "2026-01-01"], 2, "--until must be later"),
        (["get", ""], 1, "CONTACT_ID_INVALID"),
    ],
    ids=str,
)
async def test_errors_say_what_is_wrong(
    consent: Any, clients: Clients, arguments: list[str], code: int, message: str
) -> None:
    """Nothing is changed."""
    done = await consent(*arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err
    assert [each async for each in clients.sender.preferences.list_preference_changes()] == []
