"""Files with secrets."""

from pathlib import Path

import pytest

from hushpost_edge.settings import Settings
from hushpost_runtime.secret_file import read_secret_file
from hushpost_runtime.settings import read_settings
from hushpost_service.tokens.keyring import Keyring, KeyringError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file with a secret."""
    file = tmp_path / "secret"
    file.write_bytes(b"secret")
    return file


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o440, 0o640, 0o660])
def test_the_owner_and_the_group_may_have_access(file: Path, mode: int) -> None:
    """Kubernetes gives a pod its secrets through the group of the volume."""
    file.chmod(mode)
    assert read_secret_file(file) == b"secret"


@pytest.mark.parametrize("mode", [0o444, 0o604, 0o644, 0o602, 0o601, 0o666])
def test_a_file_that_everybody_may_access_is_refused(file: Path, mode: int) -> None:
    """The error has the command that mends it."""
    file.chmod(mode)
    with pytest.raises(PermissionError, match=f"chmod o= {file}") as raised:
        read_secret_file(file)
    assert "secret" not in (raised.value.strerror or "").replace(str(file), "")
    file.chmod(mode & 0o770)
    assert read_secret_file(file) == b"secret"


def test_a_link_is_judged_by_its_target(file: Path) -> None:
    """Kubernetes mounts secrets as symbolic links, whose own mode means nothing."""
    file.chmod(0o440)
    link = file.with_name("link")
    link.symlink_to(file)
    assert read_secret_file(link) == b"secret"


def test_a_keyring_that_everybody_may_read_is_refused(tmp_path: Path) -> None:
    """A saved keyring is private; one that was copied carelessly is not loaded."""
    path = tmp_path / "keyring.json"
    Keyring.generate().save(path)
    Keyring.load(path)
    path.chmod(0o644)
    with pytest.raises(KeyringError, match=f"cannot read the keyring .*chmod o= {path}"):
        Keyring.load(path)


def test_an_api_key_of_the_edge_that_everybody_may_read_is_refused(file: Path) -> None:
    """The edge reads its API key by the same rule."""
    file.chmod(0o644)
    with pytest.raises(PermissionError, match="chmod"):
        read_settings(Settings, api_key_file=file).read_api_key()
    file.chmod(0o640)
    assert read_settings(Settings, api_key_file=file).read_api_key() == "secret"
