"""`hushpost policy` against a real authority."""

from typing import Any

import pytest

from hushpost_cli.policy.presets import PRESETS, PresetName
from hushpost_cli.policy.settings import (
    SettingError,
    parse_settings,
    settings_of,
    text_of,
    update_of,
)
from hushpost_client import Consent, ConsentModes, Mode, PolicyUpdate
from tests.conftest import Clients

MODES = [
    f"{purpose}_modes.when_{state}"
    for purpose in ("opens", "clicks")
    for state in ("unknown", "denied", "withdrawn")
]
FIRST_POLICY = """\
anonymization_enabled=true
opens_modes.when_unknown=IDENTIFIED
opens_modes.when_denied=ANONYMOUS
opens_modes.when_withdrawn=ANONYMOUS
clicks_modes.when_unknown=IDENTIFIED
clicks_modes.when_denied=ANONYMOUS
clicks_modes.when_withdrawn=ANONYMOUS
record_last_opens=false
history_when_true=ANONYMIZE
retention_days=365
reask_after_days=180
release=NOISY
epsilon=2.0
release_delays=6h,1d,7d,30d
max_anonymous_messages=26
default_tracking_domain=none
"""


@pytest.fixture
def policy(hushpost: Any, authority: Any, tenant: Any) -> Any:
    """Run `hushpost policy` with an ADMIN key of the tenant."""

    async def run(*arguments: str, key: str = tenant.admin_key, stdin: str = "") -> Any:
        fixed = ("--authority", authority.target)
        return await hushpost("policy", *arguments, *fixed, key=key, stdin=stdin)

    return run


async def _settings(clients: Clients) -> dict[str, Any]:
    return dict(settings_of((await clients.admin.admin.get_tenant()).policy))


async def test_get_prints_what_set_takes(policy: Any, clients: Clients) -> None:
    """The printed lines are the arguments that restore the policy."""
    shown = await policy("get")
    assert (shown.code, shown.out, shown.err) == (0, FIRST_POLICY, "")
    await clients.admin.admin.update_policy(
        PolicyUpdate(mode_when_true=Mode.OFF, mode_when_unset=Mode.OFF, retention_days=7)
    )
    restored = await policy("set", *shown.out.split(), "--yes")
    assert restored.code == 0
    assert (await policy("get")).out == FIRST_POLICY


async def test_set_changes_only_what_is_named(policy: Any, clients: Clients) -> None:
    """Changes are printed with the old value; other settings stay."""
    before = await _settings(clients)
    done = await policy(
        "set", "clicks_modes.when_denied=off", "release_delays=90s,2h", "epsilon=0.5", "--yes"
    )
    assert done.code == 0
    assert done.out.startswith(
        f"Changes for tenant {clients.tenant_id}:\n"
        "  clicks_modes.when_denied: ANONYMOUS -> OFF\n"
        "  release_delays: 6h,1d,7d,30d -> 90s,2h\n"
        "  epsilon: 2.0 -> 0.5\n"
        f"tenant {clients.tenant_id}: policy changed"
    )
    after = await _settings(clients)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"clicks_modes.when_denied", "release_delays", "epsilon"}


async def test_a_mode_of_both_purposes_is_printed_as_what_it_changes(
    policy: Any, clients: Clients
) -> None:
    """Each mode that changes has a line; a mode of one purpose takes precedence."""
    done = await policy(
        "set", "opens_modes.when_denied=ANONYMOUS", "mode_when_true=OFF", "--dry-run"
    )
    assert done.code == 0
    assert done.out == (
        f"Changes for tenant {clients.tenant_id}:\n"
        "  opens_modes.when_withdrawn: ANONYMOUS -> OFF\n"
        "  clicks_modes.when_denied: ANONYMOUS -> OFF\n"
        "  clicks_modes.when_withdrawn: ANONYMOUS -> OFF\n"
    )


@pytest.mark.parametrize("setting", ["retention_days=365", "mode_when_unset=IDENTIFIED"])
async def test_nothing_to_change_is_no_update(policy: Any, clients: Clients, setting: str) -> None:
    """A setting with its current value is reported, and asks nothing."""
    done = await policy("set", setting)
    assert (done.code, done.out) == (
        0,
        f"Nothing changes: tenant {clients.tenant_id} has these settings already.\n",
    )


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 2), ("", 2)])
async def test_a_change_needs_confirmation(
    policy: Any, clients: Clients, answer: str, code: int
) -> None:
    """Without --yes and without a yes, nothing changes."""
    done = await policy("set", "mode_when_unset=AGGREGATE", stdin=answer)
    assert done.code == code
    settings = await _settings(clients)
    expected = Mode.IDENTIFIED if code else Mode.AGGREGATE
    assert {settings["opens_modes.when_unknown"], settings["clicks_modes.when_unknown"]} == {
        expected
    }


@pytest.mark.parametrize("name", PresetName)
async def test_a_preset_prints_its_sources_and_sets_exactly_its_settings(
    policy: Any, clients: Clients, name: PresetName
) -> None:
    """A dry run prints rule and source of each setting and changes nothing; then it applies."""
    before = await _settings(clients)
    dry = await policy("preset", name, "--dry-run")
    assert dry.code == 0
    assert await _settings(clients) == before
    for rule in PRESETS[name]:
        assert f"    {rule.reason}\n    Source: {rule.source}\n" in dry.out
        for setting in rule.settings:
            assert f"  {setting}={text_of(rule.value)}\n" in dry.out
    applied = await policy("preset", name, "--yes")
    assert applied.code == 0
    assert applied.out.startswith(dry.out)
    wanted = {setting: rule.value for rule in PRESETS[name] for setting in rule.settings}
    assert await _settings(clients) == {**before, **wanted}
    again = await policy("preset", name)
    assert (again.code, "Nothing changes" in again.out) == (0, True)


@pytest.mark.parametrize(
    ("name", "opens", "clicks"),
    [
        (
            PresetName.MAPP_2022,
            (Mode.IDENTIFIED, Mode.ANONYMOUS),
            (Mode.IDENTIFIED, Mode.ANONYMOUS),
        ),
        (
            PresetName.MAPP_2026,
            (Mode.IDENTIFIED, Mode.AGGREGATE),
            (Mode.IDENTIFIED, Mode.AGGREGATE),
        ),
        (PresetName.FRANCE, (Mode.OFF, Mode.OFF), (Mode.AGGREGATE, Mode.AGGREGATE)),
        (PresetName.ITALY, (Mode.AGGREGATE, Mode.AGGREGATE), (Mode.AGGREGATE, Mode.AGGREGATE)),
        (PresetName.STRICT, (Mode.OFF, Mode.OFF), (Mode.OFF, Mode.OFF)),
    ],
)
async def test_tokens_follow_the_preset(
    policy: Any,
    clients: Clients,
    name: PresetName,
    opens: tuple[Mode, Mode],
    clicks: tuple[Mode, Mode],
) -> None:
    """Contacts who have not decided, refused, withdrew and agreed get the documented modes."""
    await policy("preset", name, "--yes")
    preferences = clients.sender.preferences
    for contact, consent in {
        "denied": Consent.DENIED,
        "withdrawn": Consent.WITHDRAWN,
        "granted": Consent.GRANTED,
    }.items():
        await preferences.set_preference(contact, opens_consent=consent, clicks_consent=consent)
    contacts = ["unknown", "denied", "withdrawn", "granted"]
    found = await preferences.batch_get_preferences(contacts)
    assert [(each.opens_mode, each.clicks_mode) for each in found] == [
        (opens[0], clicks[0]),
        (opens[1], clicks[1]),
        (opens[1], clicks[1]),
        (Mode.IDENTIFIED, Mode.IDENTIFIED),
    ]


async def test_an_error_of_the_authority_is_one_line(policy: Any, tenant: Any) -> None:
    """A value out of range fails with the reason; another role's key fails too."""
    invalid = await policy("set", "retention_days=3651", "--yes")
    assert (invalid.code, "FIELD_INVALID" in invalid.err, invalid.err.count("\n")) == (1, True, 1)
    denied = await policy("get", key=tenant.sender_key)
    assert (denied.code, denied.out, denied.err.count("\n")) == (5, "", 1)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["retention_days"], "not of the form NAME=VALUE"),
        (["opens_modes=OFF"], "no setting is called 'opens_modes'"),
        (["epsilon=1", "epsilon=1"], "epsilon is given twice"),
        (["opens_modes.when_denied=LOUD"], "none of IDENTIFIED, ANONYMOUS, AGGREGATE, OFF"),
        (["record_last_opens=yes"], "neither true nor false"),
        (["retention_days=1.5"], "not a whole number"),
        (["epsilon=small"], "not a number"),
        (["release_delays=6h,,1d"], "not a list of times"),
        (["release_delays=6w"], "not a list of times"),
        (["release_delays=99999999999999999999d"], "too long a time"),
    ],
)
def test_a_setting_that_is_no_setting(arguments: list[str], problem: str) -> None:
    """The message says what is wrong."""
    with pytest.raises(SettingError, match=problem):
        parse_settings(arguments)


def test_a_mode_that_this_client_does_not_know_is_printed_as_such() -> None:
    """It can't be set back by mistake."""
    assert text_of(None) == "?"
    with pytest.raises(SettingError):
        parse_settings(["opens_modes.when_unknown=?"])


def test_every_setting_of_a_policy_has_a_name() -> None:
    """Commands know all fields of an update."""
    names = {name.partition(".")[0] for name in parse_settings(FIRST_POLICY.split())}
    assert names | {"mode_when_true", "mode_when_unset", "branding"} == set(PolicyUpdate.__slots__)
    update = update_of(parse_settings(["opens_modes.when_denied=OFF", "epsilon=1"]))
    assert update == PolicyUpdate(opens_modes=ConsentModes(when_denied=Mode.OFF), epsilon=1)


@pytest.mark.parametrize("name", PresetName)
def test_a_preset_sets_every_mode_once(name: PresetName) -> None:
    """No mode is left as it was, and no setting has two values."""
    settings = [setting for rule in PRESETS[name] for setting in rule.settings]
    assert len(settings) == len(set(settings))
    assert {*MODES, "anonymization_enabled", "record_last_opens"} <= set(settings)
