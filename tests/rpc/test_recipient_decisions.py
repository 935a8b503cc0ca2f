"""An import never loosens a decision that the recipient made in person."""

import asyncio
import uuid
from typing import Any

import pytest

from hushpost_client import BatchOutcome, DoNotTrack, PreferenceEntry, PreferenceSource

UNSET, FALSE, TRUE = DoNotTrack.UNSET, DoNotTrack.FALSE, DoNotTrack.TRUE
IMPORT, EMPTY_CELL = PreferenceSource.IMPORT, PreferenceSource.IMPORT_EMPTY_CELL
RECIPIENT, SENDER = PreferenceSource.RECIPIENT, PreferenceSource.SENDER


async def import_one(clients: Any, do_not_track: DoNotTrack, **options: Any) -> BatchOutcome:
    """Import a preference of ann, after one of bob."""
    source = options.pop("source", IMPORT)
    entries = [
        PreferenceEntry("bob", FALSE, source=IMPORT),
        PreferenceEntry("ann", do_not_track, source=source),
    ]
    outcome: BatchOutcome = await clients.sender.preferences.batch_set_preferences(
        entries, **options
    )
    return outcome


async def decide(clients: Any, do_not_track: DoNotTrack, source: PreferenceSource) -> None:
    """Set the preference of ann."""
    await clients.sender.preferences.set_preference("ann", do_not_track, source=source)


async def preference(clients: Any) -> DoNotTrack:
    """Return the preference of ann."""
    found = await clients.sender.preferences.get_preference("ann")
    result: DoNotTrack = found.do_not_track
    return result


async def log(clients: Any) -> list[tuple[DoNotTrack, DoNotTrack, PreferenceSource]]:
    """Return the change log of ann."""
    changes = clients.sender.preferences.list_preference_changes("ann")
    return [(c.old_do_not_track, c.new_do_not_track, c.source) async for c in changes]


@pytest.mark.parametrize(
    ("decision", "imported", "source"),
    [(TRUE, FALSE, IMPORT), (TRUE, FALSE, EMPTY_CELL), (TRUE, UNSET, IMPORT)],
)
async def test_an_import_does_not_loosen(
    exact_clients: Any, decision: DoNotTrack, imported: DoNotTrack, source: PreferenceSource
) -> None:
    """The entry is skipped and returned by index; the other entries are set."""
    await decide(exact_clients, decision, RECIPIENT)
    outcome = await import_one(exact_clients, imported, source=source)
    assert outcome.protected_indexes == (1,)
    assert (outcome.created_count, outcome.changed_count, outcome.loosened_count) == (1, 1, 1)
    assert await preference(exact_clients) is decision
    assert await log(exact_clients) == [(UNSET, decision, RECIPIENT)]


async def test_a_withdrawn_consent_is_a_decision(exact_clients: Any) -> None:
    """A recipient who resets the preference to UNSET has decided, too."""
    await decide(exact_clients, FALSE, RECIPIENT)
    await decide(exact_clients, UNSET, RECIPIENT)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)
    assert await preference(exact_clients) is UNSET


async def test_an_import_may_tighten_and_undo_that(exact_clients: Any) -> None:
    """An import may tighten, and a later one may return to the recipient's decision."""
    await decide(exact_clients, FALSE, RECIPIENT)
    tightened = await import_one(exact_clients, TRUE)
    assert (tightened.tightened_count, tightened.protected_indexes) == (1, ())
    loosened = await import_one(exact_clients, FALSE)
    assert (loosened.loosened_count, loosened.protected_indexes) == (1, ())
    assert await preference(exact_clients) is FALSE


async def test_tightening_does_not_hide_a_decision(exact_clients: Any) -> None:
    """After an import has tightened, the next one may still not loosen below the decision."""
    await decide(exact_clients, FALSE, RECIPIENT)
    await decide(exact_clients, UNSET, RECIPIENT)
    await import_one(exact_clients, TRUE)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)
    assert (await import_one(exact_clients, UNSET)).protected_indexes == ()
    assert await preference(exact_clients) is UNSET


async def test_a_confirmed_import_is_a_decision(exact_clients: Any) -> None:
    """A recipient who confirms what an import had set is logged once, and protected."""
    await import_one(exact_clients, TRUE)
    for _ in range(2):
        await decide(exact_clients, TRUE, RECIPIENT)
    assert await log(exact_clients) == [(UNSET, TRUE, IMPORT), (TRUE, TRUE, RECIPIENT)]
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)
    assert await preference(exact_clients) is TRUE


async def test_the_sender_may_loosen(exact_clients: Any) -> None:
    """The sender's own system may replace the decision; what it sets is not protected."""
    await decide(exact_clients, TRUE, RECIPIENT)
    await decide(exact_clients, FALSE, SENDER)
    await decide(exact_clients, TRUE, SENDER)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == ()
    assert await preference(exact_clients) is FALSE


async def test_a_decision_by_token_is_protected(exact_clients: Any) -> None:
    """A choice on the preference page or by one-click unsubscribe counts as the recipient's."""
    await exact_clients.sender.campaigns.create_campaign("news", links=[], groups=["all"])
    issued = await exact_clients.sender.campaigns.issue_tokens(
        "news", "all", ["ann"], include_preference_tokens=True
    )
    token = issued.tokens[0].preference_token
    await exact_clients.edge.preferences.set_preference_by_token(token, TRUE)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)


async def test_recipients_can_be_overruled(exact_clients: Any) -> None:
    """With `overrule_recipients`, the import is set; the decision stays protected from others."""
    await decide(exact_clients, TRUE, RECIPIENT)
    outcome = await import_one(exact_clients, FALSE, overrule_recipients=True)
    assert (outcome.loosened_count, outcome.protected_indexes) == (2, ())
    assert await preference(exact_clients) is FALSE
    await import_one(exact_clients, TRUE)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)


async def test_a_single_import_does_not_loosen(exact_clients: Any) -> None:
    """`SetPreference` with the source IMPORT follows the same rule."""
    await decide(exact_clients, TRUE, RECIPIENT)
    await decide(exact_clients, FALSE, IMPORT)
    assert await preference(exact_clients) is TRUE


async def test_a_repetition_returns_the_protected_entries(exact_clients: Any) -> None:
    """A repeated call changes nothing and returns the same indexes."""
    await decide(exact_clients, TRUE, RECIPIENT)
    request_id = uuid.uuid4()
    first = await import_one(exact_clients, FALSE, request_id=request_id)
    second = await import_one(exact_clients, FALSE, request_id=request_id)
    assert (second.changed_count, second.protected_indexes) == (0, first.protected_indexes)


@pytest.mark.parametrize("overrule", [False, True])
async def test_a_validation_predicts_the_call(exact_clients: Any, *, overrule: bool) -> None:
    """`validate_only` returns what the call then does, and uses no request id."""
    request_id = uuid.uuid4()
    preferences = exact_clients.sender.preferences
    for name, state, source in (
        ("ann", TRUE, RECIPIENT),
        ("bob", TRUE, SENDER),
        ("cid", FALSE, RECIPIENT),
        ("dan", TRUE, RECIPIENT),
    ):
        await preferences.set_preference(name, state, source=source)
    entries = [
        PreferenceEntry(name, state, source=IMPORT)
        for name, state in (
            *(("dan", FALSE), ("ann", FALSE), ("bob", UNSET), ("cid", TRUE)),
            *(("eve", FALSE), ("fay", TRUE), ("gil", None), ("dan", None)),
        )
    ]
    before = [c async for c in preferences.list_preference_changes()]
    predicted = await preferences.batch_set_preferences(
        entries, validate_only=True, overrule_recipients=overrule, request_id=request_id
    )
    assert [c async for c in preferences.list_preference_changes()] == before
    done = await preferences.batch_set_preferences(
        entries, overrule_recipients=overrule, request_id=request_id
    )
    assert done == predicted
    assert done.created_count == 3
    assert done.protected_indexes == (() if overrule else (1,))
    assert (done.loosened_count, done.tightened_count) == (2 + overrule, 2)
    assert done.changed_count == done.loosened_count + done.tightened_count


async def test_an_opt_out_beside_imports_is_never_lost(exact_clients: Any) -> None:
    """An opt-out during imports of the opposite stands, whichever is committed first."""
    for _ in range(10):
        await asyncio.gather(
            import_one(exact_clients, FALSE),
            decide(exact_clients, TRUE, RECIPIENT),
            import_one(exact_clients, FALSE),
            import_one(exact_clients, UNSET),
        )
        assert await preference(exact_clients) is TRUE
        await decide(exact_clients, FALSE, SENDER)
