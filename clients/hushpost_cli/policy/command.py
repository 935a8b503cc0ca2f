"""The commands `hushpost policy get`, `set` and `preset`."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias, TypeVar

import typer

from hushpost_cli._confirmation import confirm
from hushpost_cli._connected import connected
from hushpost_cli._connection import Connection, ConnectionOptions
from hushpost_cli._exit import USAGE, fail, print_lines
from hushpost_cli._options import OneTenant, Yes
from hushpost_cli.policy import messages
from hushpost_cli.policy.branding import (
    AccentColor,
    DefaultLanguage,
    ImprintUrl,
    Intro,
    Logo,
    PrivacyPolicyUrl,
    branding_settings,
)
from hushpost_cli.policy.presets import PRESETS, PresetName
from hushpost_cli.policy.settings import (
    SettingError,
    Settings,
    parse_settings,
    settings_of,
    update_of,
)
from hushpost_client import Hushpost, Tenant

__all__ = ["policy"]

policy = typer.Typer(help="Show and change the policy of a tenant.")

_T = TypeVar("_T")

OnlyPrint: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Print what would change; change nothing.")
]


@policy.command("get")
@connected
def get_policy(
    *,
    tenant: OneTenant = None,
    connection: ConnectionOptions,
) -> None:
    """Print the policy of a tenant, a line NAME=VALUE per setting.

    Needs a key of role ADMIN.
    """
    found = _call(connection.read(), lambda hushpost: hushpost.admin.get_tenant(tenant))
    print_lines(messages.shown(found.policy))


@policy.command("set")
@connected
def set_policy(
    settings: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE...", help="As `hushpost policy get` prints them."),
    ] = None,
    *,
    accent_color: AccentColor = None,
    logo: Logo = None,
    imprint_url: ImprintUrl = None,
    privacy_policy_url: PrivacyPolicyUrl = None,
    intro: Intro = None,
    default_language: DefaultLanguage = None,
    tenant: OneTenant = None,
    yes: Yes = False,
    dry_run: OnlyPrint = False,
    connection: ConnectionOptions,
) -> None:
    """Change settings of the policy of a tenant.

    Also takes mode_when_true and mode_when_unset, which set the modes of
    both purposes. A stricter policy anonymizes earlier events for good; a
    looser one applies to campaigns created afterwards. The options set the
    branding of preference pages; an empty one removes it.

    Needs a key of role ADMIN. Exit codes: 0 changed, or nothing to change; 1
    failed; 2 wrong command line or declined; 130 interrupted.
    """
    try:
        branding = branding_settings(
            accent_color=accent_color,
            logo=logo,
            imprint_url=imprint_url,
            privacy_policy_url=privacy_policy_url,
            intro=intro,
            default_language=default_language,
        )
        parsed = {**parse_settings(settings or ()), **branding}
    except SettingError as error:
        raise fail(str(error), USAGE) from None
    if not parsed:
        raise fail("nothing to change: give NAME=VALUE or an option such as --logo", USAGE)
    _change(connection.read(), tenant, parsed, ask=not yes, dry_run=dry_run)


@policy.command("preset")
@connected
def apply_preset(
    name: Annotated[PresetName, typer.Argument(metavar="NAME", help=", ".join(PresetName))],
    *,
    tenant: OneTenant = None,
    yes: Yes = False,
    dry_run: OnlyPrint = False,
    connection: ConnectionOptions,
) -> None:
    """Print the settings of a preset with their sources, then apply them.

    Settings that the preset does not name stay. A stricter policy anonymizes
    earlier events for good; a looser one applies to campaigns created
    afterwards.

    Needs a key of role ADMIN. Exit codes: 0 applied, or nothing to change; 1
    failed; 2 wrong command line or declined; 130 interrupted.
    """
    opened = connection.read()
    preset = PRESETS[name]
    print_lines([*messages.rules(name, preset), ""])
    wanted = {setting: rule.value for rule in preset for setting in rule.settings}
    _change(opened, tenant, wanted, ask=not yes, dry_run=dry_run)


def _change(
    connection: Connection, tenant: str | None, wanted: Settings, *, ask: bool, dry_run: bool
) -> None:
    """Print what changes, ask, and change it. Raises typer.Exit."""
    found = _call(connection, lambda hushpost: hushpost.admin.get_tenant(tenant))
    old = settings_of(found.policy)
    changed = {name: value for name, value in wanted.items() if old[name] != value}
    print_lines(messages.changes(found.tenant_id, old, changed))
    if dry_run or not changed:
        return
    if ask:
        confirm("Apply? Stricter modes anonymize earlier events for good.", "nothing changed")
    # With the settings that do not change, in case that another update changes them now.
    update = update_of(wanted)

    async def update_policy(hushpost: Hushpost) -> Tenant:
        return await hushpost.admin.update_policy(update, tenant_id=tenant)

    print_lines([messages.applied(_call(connection, update_policy))])


def _call(connection: Connection, call: Callable[[Hushpost], Awaitable[_T]]) -> _T:
    return connection.run(call, interrupted="interrupted; see `hushpost policy get`")
