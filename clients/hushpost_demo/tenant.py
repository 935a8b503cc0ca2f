"""Creates the tenant of the demo and its API keys, which are kept in files between runs."""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from hushpost_client import (
    History,
    Hushpost,
    Mode,
    NotFoundError,
    PolicyUpdate,
    Role,
    Tenant,
    UnauthenticatedError,
)
from hushpost_demo.errors import DemoError

__all__ = ["RELEASE_DELAYS", "TENANT", "Keys", "open_tenant"]

TENANT = "demo"
_ROLES = (Role.SENDER, Role.EDGE, Role.REPORTER)

RELEASE_DELAYS = (timedelta(seconds=12), timedelta(minutes=2))
"""When anonymous counts are released after the first mail: much earlier than by default."""

# Restored at every run.
_POLICY = PolicyUpdate(
    anonymization_enabled=True,
    mode_when_true=Mode.ANONYMOUS,
    mode_when_unset=Mode.IDENTIFIED,
    history_when_true=History.ANONYMIZE,
    release_delays=RELEASE_DELAYS,
)


class Keys:
    """API keys in a folder: one file per role, readable by the owner only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def path(self, role: Role) -> Path:
        """Return the path of a role's key."""
        return self._folder / role.lower()

    def read(self, role: Role) -> str:
        """Return a stored key; an empty string if there is none."""
        try:
            return self.path(role).read_text("ascii").strip()
        except FileNotFoundError:
            return ""

    def store(self, role: Role, secret: str) -> None:
        """Store a key."""
        fresh = self.path(role).with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret)
        fresh.replace(self.path(role))

    def delete(self, roles: Sequence[Role]) -> None:
        """Delete keys, so that new ones are created."""
        for role in roles:
            self.path(role).unlink(missing_ok=True)


async def open_tenant(
    address: str, keys: Keys, admin_key_command: Sequence[str | Path], environment: dict[str, str]
) -> Tenant:
    """Return the tenant; create it and its keys if they are missing.

    Raises:
        DemoError: No key can be created.
        HushpostError: The authority rejected a call.
    """
    for _ in range(2):
        if not keys.read(Role.ADMIN):
            secret = await _new_admin_key(admin_key_command, environment)
            keys.delete(_ROLES)
            keys.store(Role.ADMIN, secret)
        connection = Hushpost.connect(address, api_key=keys.read(Role.ADMIN))
        async with connection as hushpost:
            try:
                return await _tenant(hushpost, keys)
            except UnauthenticatedError:
                # The database was recreated after the key was stored.
                keys.delete([Role.ADMIN])
    raise DemoError("the authority rejects the key that `hushpost admin-key` created")


async def _tenant(hushpost: Hushpost, keys: Keys) -> Tenant:
    try:
        tenant = await hushpost.admin.get_tenant(TENANT)
    except NotFoundError:
        keys.delete(_ROLES)
        tenant = await hushpost.admin.create_tenant(
            TENANT, display_name="Fernbrook Seeds", policy=_POLICY
        )
    if any(
        getattr(tenant.policy, name) != wanted
        for name in PolicyUpdate.__slots__
        if (wanted := getattr(_POLICY, name)) is not None
    ):
        tenant = await hushpost.admin.update_policy(_POLICY, tenant_id=TENANT)
    for role in _ROLES:
        if not keys.read(role):
            owner = "" if role is Role.EDGE else TENANT
            created = await hushpost.admin.create_api_key(
                role, tenant_id=owner, display_name="demo"
            )
            keys.store(role, created.secret or "")
    return tenant


async def _new_admin_key(command: Sequence[str | Path], environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, env=environment
    )
    try:
        out, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    secret = out.decode().strip()
    if process.returncode or not secret:
        raise DemoError(f"hushpost admin-key failed: {errors.decode(errors='replace').strip()}")
    return secret
