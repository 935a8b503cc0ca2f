"""How policies are changed: the fields of an update, and what each of them sets."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from hushpost_client import (
    ConsentModes,
    HushpostError,
    InvalidArgumentError,
    Mode,
    Policy,
    PolicyUpdate,
)

ANONYMOUS = Mode.ANONYMOUS
DEFAULT_MODES = ConsentModes(
    when_unknown=Mode.IDENTIFIED, when_denied=ANONYMOUS, when_withdrawn=ANONYMOUS
)


async def _policy(clients: Any) -> Policy:
    return (await clients.admin.admin.get_tenant()).policy  # type: ignore[no-any-return]


async def test_a_new_policy_has_the_documented_defaults(clients: Any) -> None:
    """Refusals are ANONYMOUS, refusers are not asked again for 180 days, last opens are off."""
    policy = await _policy(clients)
    assert (policy.opens_modes, policy.clicks_modes) == (DEFAULT_MODES, DEFAULT_MODES)
    assert (policy.reask_after_days, policy.record_last_opens) == (180, False)


async def test_one_mode_of_one_purpose_can_be_changed(clients: Any) -> None:
    """All other settings stay; the simple modes show the strictest of what they stand for."""
    before = await _policy(clients)
    update = PolicyUpdate(clicks_modes=ConsentModes(when_withdrawn=Mode.OFF))
    after = (await clients.admin.admin.update_policy(update)).policy
    assert after == replace(
        before,
        clicks_modes=replace(DEFAULT_MODES, when_withdrawn=Mode.OFF),
        mode_when_true=Mode.OFF,
    )
    assert await _policy(clients) == after


@pytest.mark.parametrize("first", ["simple", "nested"])
async def test_modes_of_a_purpose_take_precedence_over_simple_modes(
    clients: Any, first: str
) -> None:
    """`mode_when_true` and `mode_when_unset` set both purposes, in any order of the mask."""
    simple: dict[str, Any] = {"mode_when_true": Mode.AGGREGATE, "mode_when_unset": ANONYMOUS}
    nested: dict[str, Any] = {
        "opens_modes": ConsentModes(when_denied=Mode.OFF, when_unknown=Mode.OFF)
    }
    order = {**simple, **nested} if first == "simple" else {**nested, **simple}
    await clients.admin.admin.update_policy(PolicyUpdate(**order))
    policy = await _policy(clients)
    assert policy.opens_modes == ConsentModes(
        when_unknown=Mode.OFF, when_denied=Mode.OFF, when_withdrawn=Mode.AGGREGATE
    )
    assert policy.clicks_modes == ConsentModes(
        when_unknown=ANONYMOUS, when_denied=Mode.AGGREGATE, when_withdrawn=Mode.AGGREGATE
    )
    assert (policy.mode_when_true, policy.mode_when_unset) == (Mode.OFF, Mode.OFF)


async def test_a_tenant_is_created_with_some_modes(clients: Any) -> None:
    """Modes that are not given have their defaults, or what a simple mode sets."""
    tenant = await clients.installation.admin.create_tenant(
        f"t{uuid.uuid4().hex[:12]}",
        policy=PolicyUpdate(
            mode_when_true=Mode.OFF,
            opens_modes=ConsentModes(when_denied=Mode.AGGREGATE),
            reask_after_days=365,
            record_last_opens=True,
        ),
    )
    policy = tenant.policy
    assert policy.opens_modes == ConsentModes(
        when_unknown=Mode.IDENTIFIED, when_denied=Mode.AGGREGATE, when_withdrawn=Mode.OFF
    )
    assert policy.clicks_modes == replace(
        DEFAULT_MODES, when_denied=Mode.OFF, when_withdrawn=Mode.OFF
    )
    assert (policy.reask_after_days, policy.record_last_opens) == (365, True)


async def test_every_setting_is_stored_and_logged(clients: Any) -> None:
    """An update of all settings is what the policy and its log say afterwards."""
    first, second, third = ANONYMOUS, Mode.AGGREGATE, Mode.OFF
    update = PolicyUpdate(
        anonymization_enabled=True,
        opens_modes=ConsentModes(when_unknown=first, when_denied=second, when_withdrawn=third),
        clicks_modes=ConsentModes(when_unknown=third, when_denied=first, when_withdrawn=second),
        retention_days=30,
        epsilon=0.5,
        release_delays=[timedelta(hours=1), timedelta(days=1)],
        max_anonymous_messages=4,
        reask_after_days=3650,
        record_last_opens=True,
    )
    policy = (await clients.admin.admin.update_policy(update)).policy
    for name in PolicyUpdate.__slots__:
        wanted = getattr(update, name)
        if wanted is not None:
            assert getattr(policy, name) == (tuple(wanted) if isinstance(wanted, list) else wanted)
    changes = [change async for change in clients.admin.admin.list_policy_changes()]
    assert (await _policy(clients), changes[-1].policy) == (policy, policy)


@pytest.mark.parametrize(
    ("update", "path"),
    [
        (PolicyUpdate(retention_days=0), "retention_days"),
        (PolicyUpdate(epsilon=0.0), "epsilon"),
        (PolicyUpdate(release_delays=[]), "release_delays"),
        (PolicyUpdate(max_anonymous_messages=0), "max_anonymous_messages"),
        (PolicyUpdate(reask_after_days=0), "reask_after_days"),
    ],
)
async def test_zero_does_not_mean_the_default(
    clients: Any, update: PolicyUpdate, path: str
) -> None:
    """A setting with the value 0, or an empty list, is rejected; nothing changes."""
    before = await _policy(clients)
    with pytest.raises(InvalidArgumentError) as rejected:
        await clients.admin.admin.update_policy(update)
    assert (rejected.value.reason, rejected.value.metadata["field"]) == ("FIELD_INVALID", path)
    assert await _policy(clients) == before


async def test_a_repeated_update_changes_nothing(clients: Any) -> None:
    """A retry changes nothing; another value under the same request id is an error."""
    request = uuid.uuid4()
    admin = clients.admin.admin
    update = PolicyUpdate(opens_modes=ConsentModes(when_denied=Mode.OFF), reask_after_days=90)
    await admin.update_policy(update, request_id=request)
    await admin.update_policy(PolicyUpdate(reask_after_days=200))
    again = await admin.update_policy(update, request_id=request)
    assert again.policy.reask_after_days == 200
    with pytest.raises(HushpostError, match="REQUEST_ID_REUSED"):
        await admin.update_policy(PolicyUpdate(reask_after_days=90), request_id=request)
