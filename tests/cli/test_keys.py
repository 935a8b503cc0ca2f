"""`hushpost keys` and `hushpost tenants` against a real authority."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from hushpost_client import Role
from tests.conftest import Clients, RunningAuthority, TenantKeys


@pytest.fixture
def command(hushpost: Any, authority: RunningAuthority) -> Any:
    """Run `hushpost` with an ADMIN key of the installation, unless another is given."""

    async def run(*arguments: str | Path, key: str = authority.admin_key, stdin: str = "") -> Any:
        fixed = ("--authority", authority.target)
        return await hushpost(*arguments, *fixed, key=key, stdin=stdin)

    return run


@pytest.mark.parametrize("role", ["sender", "REPORTER", "admin"])
async def test_a_new_key_works_from_its_file(
    command: Any, tenant: TenantKeys, tmp_path: Path, role: str
) -> None:
    """The file has mode 0600; the output names the key and not its secret."""
    file = tmp_path / "new.key"
    done = await command(
        *("keys", "create", role, file, "--tenant", tenant.tenant_id, "--name", "CRM")
    )
    assert (done.code, done.err) == (0, "")
    secret = file.read_text().strip()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret.startswith("hp_")
    assert secret not in done.out
    assert f"{role.upper()} of {tenant.tenant_id} (CRM)" in done.out
    listed = await command("keys", "list", "--json", "--tenant", tenant.tenant_id)
    (key,) = (each for each in json.loads(listed.out) if each["display_name"] == "CRM")
    assert (key["role"], key["expire_time"]) == (role.upper(), None)
    reading = ("tenants", "get") if role == "admin" else ("campaigns",)
    assert (await command(*reading, "--api-key-file", file, key="")).code == 0


async def test_a_key_is_printed_on_request(command: Any, tenant: TenantKeys) -> None:
    """With `-` standard output has the secret and nothing else."""
    done = await command("keys", "create", "edge", "-", "--edge-tenant", tenant.tenant_id)
    assert done.code == 0
    assert done.out.startswith("hp_")
    assert len(done.out.splitlines()) == 1
    assert f"EDGE of {tenant.tenant_id}" in done.err


async def test_a_file_that_exists_is_kept_and_no_key_is_created(
    command: Any, clients: Clients, tmp_path: Path
) -> None:
    """It may be a key that is in use."""
    file = tmp_path / "key"
    file.write_text("mine")
    done = await command("keys", "create", "sender", file, "--tenant", clients.tenant_id)
    assert (done.code, file.read_text()) == (2, "mine")
    assert len([key async for key in clients.admin.admin.list_api_keys()]) == 3


async def test_a_key_can_expire(command: Any, clients: Clients, tmp_path: Path) -> None:
    """In a number of days, or at a time; not both."""
    create = ("keys", "create", "reporter")
    days = await command(
        *create, tmp_path / "a", "--tenant", clients.tenant_id, "--expires-in-days", "30"
    )
    at = await command(
        *create, tmp_path / "b", "--tenant", clients.tenant_id, "--expires", "2099-01-01"
    )
    both = await command(*create, tmp_path / "c", "--expires-in-days", "3", "--expires", "2099")
    assert (days.code, at.code, both.code) == (0, 0, 2)
    times = [key.expire_time async for key in clients.admin.admin.list_api_keys()]
    first, second = (time for time in times if time)
    assert abs(first - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=10)
    assert second == datetime(2099, 1, 1, tzinfo=UTC)


async def test_a_key_is_revoked_after_a_question(command: Any, clients: Clients) -> None:
    """The question names the key; a revoked key is listed only with --all."""
    made = await clients.admin.admin.create_api_key(Role.SENDER, display_name="old")
    key_id = made.api_key.key_id
    declined = await command("keys", "revoke", key_id, stdin="n\n")
    assert declined.code == 2
    assert f"Revoke key {key_id}, SENDER of {clients.tenant_id} (old)?" in declined.err
    unanswered = await command("keys", "revoke", key_id)
    assert (unanswered.code, "use --yes" in unanswered.err) == (2, True)
    listing = ("keys", "list", "--tenant", clients.tenant_id)
    assert " old " in (await command(*listing)).out
    done = await command("keys", "revoke", key_id, "--yes")
    assert (done.code, f"revoked key {key_id}" in done.out) == (0, True)
    assert " old " not in (await command(*listing)).out
    row = next(
        line for line in (await command(*listing, "--all")).out.splitlines() if "old" in line
    )
    assert "revoked" in row
    assert (await command("keys", "revoke", str(2**62), "--yes")).code == 6


async def test_a_key_of_a_tenant_sees_only_its_own_keys(
    command: Any, tenant: TenantKeys, authority: RunningAuthority
) -> None:
    """It can neither list, revoke nor create keys of others."""
    listed = json.loads((await command("keys", "list", "--json", key=tenant.admin_key)).out)
    assert {key["tenant_id"] for key in listed} == {tenant.tenant_id}
    everything = json.loads((await command("keys", "list", "--json")).out)
    foreign = next(key for key in everything if key["tenant_id"] != tenant.tenant_id)
    revoking = await command("keys", "revoke", foreign["key_id"], "--yes", key=tenant.admin_key)
    assert revoking.code == 6
    assert (await command("keys", "list", key=tenant.sender_key)).code == 5


async def test_tenants_are_created_listed_and_shown(command: Any, tenant: TenantKeys) -> None:
    """With their name; a key of a tenant sees its own."""
    tenant_id, name = f"t-{uuid4().hex[:12]}", f"Acme {uuid4().hex} Ltd"
    done = await command("tenants", "create", tenant_id, "--name", name)
    assert (done.code, done.out) == (0, f"tenant {tenant_id} created\n")
    again = await command("tenants", "create", tenant_id)
    assert (again.code, "TENANT_ALREADY_EXISTS" in again.err) == (1, True)
    row = next(line for line in (await command("tenants", "list")).out.splitlines() if name in line)
    assert row.split()[0] == tenant_id
    shown = await command("tenants", "get", tenant_id)
    assert shown.out.startswith(f"tenant: {tenant_id}\nname: {name}\ncreated: ")
    document = json.loads((await command("tenants", "get", tenant_id, "--json")).out)
    assert (document["display_name"], document["anonymization"]) == (name, None)
    own = json.loads((await command("tenants", "list", "--json", key=tenant.admin_key)).out)
    assert [each["tenant_id"] for each in own] == [tenant.tenant_id]
    assert (await command("tenants", "get", "nonsense")).code == 6
    assert (await command("tenants", "get", tenant_id, key=tenant.admin_key)).code == 5
