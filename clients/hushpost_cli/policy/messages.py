"""What the commands of policies print."""

from collections.abc import Iterable, Iterator, Mapping

from hushpost_cli.policy.branding import branding_options
from hushpost_cli.policy.presets import Rule
from hushpost_cli.policy.settings import Settings, is_branding, settings_of, text_of
from hushpost_client import Policy, Tenant

__all__ = ["applied", "changes", "rules", "shown"]


def shown(policy: Policy) -> list[str]:
    """Return a line per setting, as `hushpost policy set` takes it, and the branding."""
    settings = settings_of(policy).items()
    lines = [f"{name}={text_of(value)}" for name, value in settings if not is_branding(name)]
    return [*lines, *branding_options(policy.branding)]


def rules(name: str, preset: Iterable[Rule]) -> Iterator[str]:
    """Yield the rules of a preset with their sources."""
    yield f"The preset {name} is no legal advice. Its settings and where each rule was read:"
    for rule in preset:
        yield ""
        yield from (f"  {setting}={text_of(rule.value)}" for setting in rule.settings)
        yield f"    {rule.reason}"
        yield f"    Source: {rule.source}"


def changes(tenant_id: str, old: Settings, changed: Mapping[str, object]) -> Iterator[str]:
    """Yield a line per setting that changes."""
    if not changed:
        yield f"Nothing changes: tenant {tenant_id} has these settings already."
        return
    yield f"Changes for tenant {tenant_id}:"
    for name, value in changed.items():
        yield f"  {name}: {text_of(old[name])} -> {text_of(value)}"


def applied(tenant: Tenant) -> str:
    """Return what happened to the policy."""
    job = tenant.anonymization
    if job is None:
        return f"tenant {tenant.tenant_id}: policy changed"
    return (
        f"tenant {tenant.tenant_id}: policy changed; the authority anonymizes earlier events "
        f"(up to {job.total_count:,})"
    )
