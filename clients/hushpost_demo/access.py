"""The demo's tenant and its API keys, which are kept in files between runs."""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import Sequence
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
from hushpost_demo.failure import DemoError

__all__ = ["TENANT", "Keys", "open_tenant"]

TENANT = "demo"
_ROLES = (Role.SENDER, Role.EDGE, Role.REPORTER)

# What the model knows. The quorum may be changed: the model takes it as it is.
_POLICY = PolicyUpdate(
    anonymization_enabled=True,
    mode_when_true=Mode.ANONYMOUS,
    mode_when_unset=Mode.IDENTIFIED,
    history_when_true=History.ANONYMIZE,
)
# Groups of 30 who do not want to be known, and nine links: with 10, few of the links
# would ever tell anything.
_FIRST_POLICY = PolicyUpdate(quorum=5)


class Keys:
    """API keys in a folder: one file each, for the owner's eyes only."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def path(self, role: Role) -> Path:
        """Return the file of a role's key."""
        return self._folder / role.lower()

    def read(self, role: Role) -> str:
        """Return a key that was kept, or an empty text."""
        try:
            return self.path(role).read_text("ascii").strip()
        except FileNotFoundError:
            return ""

    def keep(self, role: Role, secret: str) -> None:
        """Keep a key."""
        fresh = self.path(role).with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secret)
        fresh.replace(self.path(role))

    def forget(self, roles: Sequence[Role]) -> None:
        """Forget keys, so that new ones are made."""
        for role in roles:
            self.path(role).unlink(missing_ok=True)


async def open_tenant(
    address: str, keys: Keys, admin_key_command: Sequence[str | Path], environment: dict[str, str]
) -> Tenant:
    """Return the tenant; it and all keys are made unless they are there already.

    Raises:
        DemoError: if no key can be made.
        HushpostError: if the authority refuses.
    """
    for _ in range(2):
        if not keys.read(Role.ADMIN):
            secret = await _new_admin_key(admin_key_command, environment)
            keys.forget(_ROLES)
            keys.keep(Role.ADMIN, secret)
        connection = Hushpost.connect(address, api_key=keys.read(Role.ADMIN), tls=False)
        async with connection as hushpost:
            try:
                return await _tenant(hushpost, keys)
            except UnauthenticatedError:
                # The database was made anew since it was kept.
                keys.forget([Role.ADMIN])
    raise DemoError("the authority does not know the key that `hushpost admin-key` made for it")


async def _tenant(hushpost: Hushpost, keys: Keys) -> Tenant:
    try:
        tenant = await hushpost.admin.get_tenant(TENANT)
    except NotFoundError:
        keys.forget(_ROLES)
        tenant = await hushpost.admin.create_tenant(
            TENANT, display_name="Fernbrook Seeds", policy=_FIRST_POLICY
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
            keys.keep(role, created.secret or "")
    return tenant


async def _new_admin_key(command: Sequence[str | Path], environment: dict[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, env=environment
    )
    try:
        out, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    secret = out.decode().strip()
    if process.returncode or not secret:
        raise DemoError(f"hushpost admin-key failed: {said.decode(errors='replace').strip()}")
    return secret
