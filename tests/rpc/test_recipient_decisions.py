"""An import never loosens a decision that the recipient made in person."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from hushpost_client import (
    BatchOutcome,
    DoNotTrack,
    ErrorReason,
    InvalidArgumentError,
    PreferenceEntry,
    PreferenceSource,
)

UNSET, FALSE, TRUE = DoNotTrack.UNSET, DoNotTrack.FALSE, DoNotTrack.TRUE
IMPORT, EMPTY_CELL = PreferenceSource.IMPORT, PreferenceSource.IMPORT_EMPTY_CELL
RECIPIENT, SENDER = PreferenceSource.RECIPIENT, PreferenceSource.SENDER

Decide = Callable[..., Awaitable[None]]


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


@pytest.fixture
async def decide(exact_clients: Any) -> Decide:
    """Sets a preference: as the RECIPIENT with the contact's preference token, else by id."""
    sender, edge = exact_clients.sender, exact_clients.edge
    await sender.campaigns.create_campaign("news", links=[], groups=["all"])

    async def decide(do_not_track: DoNotTrack, source: PreferenceSource, name: str = "ann") -> None:
        if source is RECIPIENT:
            token = await preference_token(exact_clients, name)
            await edge.preferences.set_preference_by_token(token, do_not_track)
        else:
            await sender.preferences.set_preference(name, do_not_track, source=source)

    return decide


async def preference_token(clients: Any, name: str) -> str:
    """Issue a preference token to a contact."""
    issued = await clients.sender.campaigns.issue_tokens(
        "news", "all", [name], include_preference_tokens=True
    )
    token: str = issued.tokens[0].preference_token
    return token


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
    exact_clients: Any,
    decide: Decide,
    decision: DoNotTrack,
    imported: DoNotTrack,
    source: PreferenceSource,
) -> None:
    """The entry is skipped and returned by index; the other entries are set."""
    await decide(decision, RECIPIENT)
    outcome = await import_one(exact_clients, imported, source=source)
    assert outcome.protected_indexes == (1,)
    assert (outcome.created_count, outcome.changed_count, outcome.loosened_count) == (1, 1, 1)
    assert await preference(exact_clients) is decision
    assert await log(exact_clients) == [(UNSET, decision, RECIPIENT)]


async def test_a_withdrawn_consent_is_a_decision(exact_clients: Any, decide: Decide) -> None:
    """A recipient who resets the preference to UNSET has decided, too."""
    await decide(FALSE, RECIPIENT)
    await decide(UNSET, RECIPIENT)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)
    assert await preference(exact_clients) is UNSET


async def test_an_import_may_tighten_and_undo_that(exact_clients: Any, decide: Decide) -> None:
    """An import may tighten, and a later one may return to the recipient's decision."""
    await decide(FALSE, RECIPIENT)
    tightened = await import_one(exact_clients, TRUE)
    assert (tightened.tightened_count, tightened.protected_indexes) == (1, ())
    loosened = await import_one(exact_clients, FALSE)
    assert (loosened.loosened_count, loosened.protected_indexes) == (1, ())
    assert await preference(exact_clients) is FALSE


async def test_tightening_does_not_hide_a_decision(exact_clients: Any, decide: Decide) -> None:
    """After an import has tightened, the next one may still not loosen below the decision."""
    await decide(FALSE, RECIPIENT)
    await decide(UNSET, RECIPIENT)
    await import_one(exact_clients, TRUE)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)
    assert (await import_one(exact_clients, UNSET)).protected_indexes == ()
    assert await preference(exact_clients) is UNSET


async def test_a_confirmed_import_is_a_decision(exact_clients: Any, decide: Decide) -> None:
    """A recipient who confirms what an import had set is logged once, and protected."""
    await import_one(exact_clients, TRUE)
    for _ in range(2):
        await decide(TRUE, RECIPIENT)
    assert await log(exact_clients) == [(UNSET, TRUE, IMPORT), (TRUE, TRUE, RECIPIENT)]
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)
    assert await preference(exact_clients) is TRUE


async def test_the_sender_may_loosen(exact_clients: Any, decide: Decide) -> None:
    """The sender's own system may replace the decision; what it sets is not protected."""
    await decide(TRUE, RECIPIENT)
    await decide(FALSE, SENDER)
    await decide(TRUE, SENDER)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == ()
    assert await preference(exact_clients) is FALSE


@pytest.mark.usefixtures("decide")
async def test_the_sender_cannot_decide_as_the_recipient(exact_clients: Any) -> None:
    """Without a token the source RECIPIENT is rejected; with one the log names the sender's key."""
    preferences = exact_clients.sender.preferences
    for call in (
        preferences.set_preference("ann", FALSE, source=RECIPIENT),
        preferences.batch_set_preferences([PreferenceEntry("ann", FALSE, source=RECIPIENT)]),
        preferences.batch_set_preferences(
            [PreferenceEntry("ann", FALSE, source=RECIPIENT)], validate_only=True
        ),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            await call
        assert caught.value.reason is ErrorReason.FIELD_INVALID
        assert caught.value.metadata["field"] == "source"
    assert await log(exact_clients) == []
    await preferences.set_preference("ann", FALSE)
    token = await preference_token(exact_clients, "ann")
    await preferences.set_preference_by_token(token, TRUE)
    await exact_clients.edge.preferences.set_preference_by_token(token, FALSE)
    changes = [change async for change in preferences.list_preference_changes("ann")]
    assert [change.source for change in changes] == [SENDER, RECIPIENT, RECIPIENT]
    by_id, by_sender, by_edge = (change.actor for change in changes)
    assert by_id == by_sender != by_edge


async def test_recipients_can_be_overruled(exact_clients: Any, decide: Decide) -> None:
    """With `overrule_recipients`, the import is set; the decision stays protected from others."""
    await decide(TRUE, RECIPIENT)
    outcome = await import_one(exact_clients, FALSE, overrule_recipients=True)
    assert (outcome.loosened_count, outcome.protected_indexes) == (2, ())
    assert await preference(exact_clients) is FALSE
    await import_one(exact_clients, TRUE)
    assert (await import_one(exact_clients, FALSE)).protected_indexes == (1,)


async def test_a_single_import_does_not_loosen(exact_clients: Any, decide: Decide) -> None:
    """`SetPreference` with the source IMPORT follows the same rule."""
    await decide(TRUE, RECIPIENT)
    await decide(FALSE, IMPORT)
    assert await preference(exact_clients) is TRUE


async def test_a_repetition_returns_the_protected_entries(
    exact_clients: Any, decide: Decide
) -> None:
    """A repeated call changes nothing and returns the same indexes."""
    await decide(TRUE, RECIPIENT)
    request_id = uuid.uuid4()
    first = await import_one(exact_clients, FALSE, request_id=request_id)
    second = await import_one(exact_clients, FALSE, request_id=request_id)
    assert (second.changed_count, second.protected_indexes) == (0, first.protected_indexes)


@pytest.mark.parametrize("overrule", [False, True])
async def test_a_validation_predicts_the_call(
    exact_clients: Any, decide: Decide, *, overrule: bool
) -> None:
    """`validate_only` returns what the call then does, and uses no request id."""
    request_id = uuid.uuid4()
    preferences = exact_clients.sender.preferences
    for name, state, source in (
        ("ann", TRUE, RECIPIENT),
        ("bob", TRUE, SENDER),
        ("cid", FALSE, RECIPIENT),
        ("dan", TRUE, RECIPIENT),
    ):
        await decide(state, source, name)
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


async def test_an_opt_out_beside_imports_is_never_lost(exact_clients: Any, decide: Decide) -> None:
    """An opt-out during imports of the opposite stands, whichever is committed first."""
    for _ in range(10):
        await asyncio.gather(
            import_one(exact_clients, FALSE),
            decide(TRUE, RECIPIENT),
            import_one(exact_clients, FALSE),
            import_one(exact_clients, UNSET),
        )
        assert await preference(exact_clients) is TRUE
        await decide(FALSE, SENDER)
