"""API keys in words, and as a table."""

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table

from hushpost_cli._tables import new_table, printable, time_text
from hushpost_client import ApiKey, Role

__all__ = ["VALID", "description", "keys_table", "state"]

VALID = "valid"


def state(key: ApiKey, now: datetime) -> str:
    """Return whether a key is valid, revoked or expired."""
    if key.revoke_time is not None:
        return "revoked"
    return "expired" if key.expire_time is not None and key.expire_time <= now else VALID


def description(key: ApiKey) -> str:
    """Return which key it is: its id, role, scope and name."""
    name = f" ({printable(key.display_name)})" if key.display_name else ""
    return f"key {key.key_id}, {_role(key)} of {_scope(key)}{name}"


def keys_table(keys: Iterable[ApiKey], now: datetime) -> Table:
    """Return a row per key."""
    table = new_table(
        "key", "role", "of", "name", "state", "created (UTC)", "by", "expires (UTC)", "last used"
    )
    for key in keys:
        table.add_row(
            key.key_id,
            _role(key),
            _scope(key),
            printable(key.display_name or ""),
            state(key, now),
            time_text(key.create_time),
            key.create_actor,
            time_text(key.expire_time) if key.expire_time else "never",
            f"{key.last_used_time:%Y-%m-%d}" if key.last_used_time else "never",
        )
    return table


def _role(key: ApiKey) -> str:
    return key.role or "?"


def _scope(key: ApiKey) -> str:
    if key.tenant_id:
        return key.tenant_id
    if key.role is Role.EDGE:
        return ", ".join(key.edge_tenant_ids) or "all tenants"
    return "the installation"
