"""The keys of the spool: over restarts, outages, rotations, and in a copy of the data folder."""

import asyncio
import errno
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest

from hushpost_client import (
    ErrorReason,
    HushpostError,
    InvalidArgumentError,
    SpoolPublicKey,
    Tracking,
    UnauthenticatedError,
    UnavailableError,
)
from hushpost_edge import spool_keys
from hushpost_edge.spool_cipher import SpoolKey
from hushpost_edge.spool_keys import SpoolKeys, check_stored
from hushpost_service.domain.errors import HushpostError as ServiceError
from hushpost_service.tokens import spool_keys as authority
from hushpost_service.tokens.keyring import Keyring
from tests.waiting import until

SECRET = b"which token was used"


class Authority:
    """A fake that opens keys with a keyring, and raises `error` while it is set."""

    def __init__(self, keyring: Keyring) -> None:
        self.keyring = keyring
        self.error: HushpostError | None = None
        self.calls = 0

    async def get_spool_public_key(self) -> SpoolPublicKey:
        """Return the public key."""
        self._fail()
        keys = authority.SpoolKeys(self.keyring)
        return SpoolPublicKey(key_id=keys.key_id, public_key=keys.public_key, tenant_numbers=(3,))

    async def open_spool_key(self, sealed_key: bytes) -> bytes:
        """Return the key."""
        self._fail()
        try:
            return authority.SpoolKeys(self.keyring).open(sealed_key).key
        except ServiceError as error:
            reason = ErrorReason(str(error.reason))
            raise InvalidArgumentError("refused", reason=reason) from None

    def _fail(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the keys."""
    return tmp_path / "keys"


@pytest.fixture
def keeper() -> Authority:
    """The authority."""
    return Authority(Keyring.generate())


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten all intervals."""
    monkeypatch.setattr(spool_keys, "_RENEW_SECONDS", 0.01)
    monkeypatch.setattr(spool_keys, "_RETRY_SECONDS", 0.01)


def run(folder: Path) -> SpoolKeys:
    """Return the keys of a new run of the edge."""
    return SpoolKeys(folder, SpoolKey.generate())


def sealed_files(folder: Path) -> list[Path]:
    """Return the files with sealed keys."""
    return list(folder.glob("*.key"))


async def keep(keys: SpoolKeys, keeper: Authority, condition: Callable[[], Any]) -> None:
    """Keep keys until a condition holds."""
    task = asyncio.create_task(keys.keep(cast("Tracking", keeper)))
    await until(condition)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def complete(keys: SpoolKeys, keeper: Authority) -> None:
    """Keep keys until all are known that can be known."""
    await keep(keys, keeper, lambda: keys.cipher.is_complete)


async def test_a_later_run_reads_what_an_earlier_one_wrote(folder: Path, keeper: Authority) -> None:
    """Also if it was started during an outage; nothing counts as readable before it ends."""
    first = run(folder)
    await complete(first, keeper)
    written = [first.cipher.encrypt(SECRET)]
    keeper.error = UnavailableError("down")
    second = run(folder)
    written.append(second.cipher.encrypt(SECRET))
    third = run(folder)
    assert third.cipher.decrypt(written[0]) is None
    calls = keeper.calls
    await keep(third, keeper, lambda: keeper.calls > calls + 3)
    assert not third.cipher.is_complete
    keeper.error = None
    await complete(third, keeper)
    assert [third.cipher.decrypt(value) for value in written] == [SECRET, SECRET]
    assert len(third.earlier()) == 2


async def test_a_copy_of_the_folder_reveals_nothing(
    folder: Path, keeper: Authority, tmp_path: Path
) -> None:
    """No file has the key; a machine without a valid API key is not given it."""
    key = SpoolKey.generate()
    keys = SpoolKeys(folder, key)
    await complete(keys, keeper)
    value = keys.cipher.encrypt(SECRET)
    assert SECRET not in value
    copy = shutil.copytree(folder, tmp_path / "copy")
    for file in copy.iterdir():
        for form in (key.key, key.key.hex().encode()):
            assert form not in file.read_bytes()
        assert file.stat().st_mode & 0o077 == 0
    thief = run(copy)
    keeper.error = UnauthenticatedError("revoked", reason=ErrorReason.API_KEY_REVOKED)
    calls = keeper.calls
    await keep(thief, keeper, lambda: keeper.calls > calls + 3)
    assert not thief.cipher.is_complete
    assert thief.cipher.decrypt(value) is None


async def test_without_space_events_of_earlier_runs_are_readable(
    folder: Path, keeper: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a run is stored as soon as there is space, even while the authority is down."""
    first = run(folder)
    await complete(first, keeper)
    written = first.cipher.encrypt(SECRET)
    keeper.keyring = keeper.keyring.with_new_key().activated(2)
    key = SpoolKey.generate()
    with monkeypatch.context() as full_disk:
        full_disk.setattr(spool_keys, "write_secret_file", no_space)
        second = SpoolKeys(folder, key)
        await complete(second, keeper)
        assert second.cipher.decrypt(written) == SECRET
        with pytest.raises(FileNotFoundError):
            check_stored(folder, key)
    keeper.error = UnavailableError("down")
    await keep(second, keeper, lambda: len(sealed_files(folder)) > 1)
    check_stored(folder, key)


def no_space(_path: Path, _content: bytes) -> None:
    """Fail as on a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_run_that_never_reached_the_authority_stores_no_key(
    folder: Path, keeper: Authority
) -> None:
    """Its key is in memory only: the next run can tell that its values are lost."""
    lost = run(folder)
    value = lost.cipher.encrypt(SECRET)
    assert lost.cipher.decrypt(value) == SECRET
    assert sealed_files(folder) == []
    keys = run(folder)
    await complete(keys, keeper)
    assert keys.cipher.decrypt(value) is None
    assert keys.earlier() == []


async def test_keys_follow_a_rotation_of_the_keyring(folder: Path, keeper: Authority) -> None:
    """The running key is sealed again; keys that were sealed before open, too."""
    first = run(folder)
    await complete(first, keeper)
    (sealed,) = sealed_files(folder)
    before = sealed.read_bytes()
    keeper.keyring = keeper.keyring.with_new_key().activated(2)
    await keep(first, keeper, lambda: sealed.read_bytes() != before)
    assert sealed.read_bytes()[1] == 2
    value = first.cipher.encrypt(SECRET)
    second = run(folder)
    assert {file.read_bytes()[1] for file in sealed_files(folder)} == {2}
    await complete(second, keeper)
    assert second.cipher.decrypt(value) == SECRET


async def test_a_key_of_another_authority_is_given_up(folder: Path, keeper: Authority) -> None:
    """It can never be opened, and must not hold up what comes later."""
    foreign = run(folder)
    await complete(foreign, Authority(Keyring.generate()))
    value = foreign.cipher.encrypt(SECRET)
    keys = run(folder)
    await complete(keys, keeper)
    assert keys.cipher.decrypt(value) is None
    assert keys.earlier() == []


async def test_an_unknown_key_id_is_waited_for(folder: Path, keeper: Authority) -> None:
    """An authority that lacks the newest key of the keyring gets it by a restart."""
    old = keeper.keyring
    keeper.keyring = old.with_new_key().activated(2)
    first = run(folder)
    await complete(first, keeper)
    value = first.cipher.encrypt(SECRET)
    new, keeper.keyring = keeper.keyring, old
    second = run(folder)
    calls = keeper.calls
    await keep(second, keeper, lambda: keeper.calls > calls + 6)
    assert not second.cipher.is_complete
    keeper.keyring = new
    await complete(second, keeper)
    assert second.cipher.decrypt(value) == SECRET


async def test_a_key_can_be_forgotten(folder: Path, keeper: Authority) -> None:
    """The key of this run is not among those that can."""
    first = run(folder)
    await complete(first, keeper)
    second = run(folder)
    (key_id,) = second.earlier()
    second.forget(key_id)
    assert second.earlier() == []
    assert len(sealed_files(folder)) == 1


async def test_damaged_values_are_not_decrypted(folder: Path) -> None:
    """Any change of a value is noticed."""
    cipher = run(folder).cipher
    value = cipher.encrypt(SECRET)
    for index in range(len(value)):
        damaged = bytearray(value)
        damaged[index] ^= 1
        assert cipher.decrypt(bytes(damaged)) is None
    for size in range(len(value)):
        assert cipher.decrypt(value[:size]) is None
