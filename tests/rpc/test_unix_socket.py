"""`--listen unix:/path` serves on a Unix socket, over both transports."""

import os
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from hushpost_client import UnauthenticatedError
from hushpost_service.rpc.unix_socket import free_path
from tests.authority import HUSHPOST, AuthorityProcess
from tests.conftest import RunningAuthority
from tests.inspection import database_uri
from tests.mailing import clients_of, send


@pytest.fixture(params=["grpcio", "native"])
def transport(request: pytest.FixtureRequest) -> str:
    """The transport."""
    return str(request.param)


@pytest.fixture
def process(
    transport: str, authority: RunningAuthority, tmp_path: Path
) -> Iterator[AuthorityProcess]:
    """An authority on a Unix socket, with the database of the shared one."""
    with on_socket(tmp_path, tmp_path / "grpc.sock", transport, authority) as process:
        yield process


def on_socket(
    folder: Path, path: Path, transport: str, authority: RunningAuthority
) -> AuthorityProcess:
    """Return an authority that will listen on the socket."""
    data_dir = authority.process.data_dir
    process = AuthorityProcess(
        folder,
        *("--keyring", str(data_dir / "keyring.json"), "--transport", transport),
        environment={"HUSHPOST_DATABASE_URL": database_uri(data_dir)},
    )
    process.target = f"unix:{path}"
    return process


def path_of(process: AuthorityProcess) -> Path:
    """Return the path of its socket."""
    return Path(process.target.removeprefix("unix:"))


def connect(path: Path) -> None:
    """Connect to a socket, and disconnect."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.fspath(path))


async def test_events_are_recorded_over_the_socket(
    process: AuthorityProcess, authority: RunningAuthority
) -> None:
    """Single calls, batches and reports work without TLS; a wrong key is refused."""
    reached = RunningAuthority(process, process.target, authority.admin_key)
    async with AsyncExitStack() as stack:
        mailing = await send(await clients_of(stack, reached), ["ann", "bob"])
        await mailing.click("ann", "bob")
        await mailing.open("ann")
        stats = await mailing.stats()
        assert (stats.clicks.human.identified.total, stats.opens.human.identified.total) == (2, 1)
        stranger = await stack.enter_async_context(reached.client("hp_wrong"))
        with pytest.raises(UnauthenticatedError):
            await stranger.stats.get_campaign_stats("spring")


def test_doctor_reaches_the_socket(process: AuthorityProcess) -> None:
    """It finds an authority that is ready, and warns of no missing TLS."""
    result = subprocess.run(
        [HUSHPOST, "doctor", "--authority", process.target],
        env=process.environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    output = " ".join(result.stdout.split())
    assert f"{process.target} accepts connections." in output
    assert "It is ready." in output
    assert "not encrypted" not in output


def test_only_the_user_of_the_authority_can_connect(process: AuthorityProcess) -> None:
    """With the usual umask, others have no permission to write, which connecting needs."""
    mode = path_of(process).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert not mode & (stat.S_IWGRP | stat.S_IWOTH)


def test_a_second_authority_does_not_take_the_socket(
    process: AuthorityProcess, transport: str, authority: RunningAuthority, tmp_path: Path
) -> None:
    """It does not start, and the first one goes on serving."""
    second = on_socket(tmp_path / "second", path_of(process), transport, authority)
    with pytest.raises(AssertionError, match="Address already in use"):
        second.start()
    connect(path_of(process))


def test_the_socket_of_a_killed_authority_is_replaced(process: AuthorityProcess) -> None:
    """SIGKILL leaves the file; the next start serves there."""
    process.kill()
    assert path_of(process).is_socket()
    process.start()
    connect(path_of(process))


def test_the_socket_is_gone_after_a_stop(process: AuthorityProcess) -> None:
    """SIGTERM removes the file."""
    assert process.stop() == 0
    assert not path_of(process).exists()


def test_a_file_at_the_path_is_left_alone(tmp_path: Path) -> None:
    """Only sockets are removed."""
    path = tmp_path / "grpc.sock"
    path.write_text("important")
    with pytest.raises(FileExistsError):
        free_path(path)
    assert path.read_text() == "important"


CERTIFICATE = ("--tls-certificate", "chain.pem", "--tls-key", "key.pem")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--listen", "unix:grpc.sock"), "absolute path"),
        (("--listen", f"unix:/{'x' * 107}"), "at most 107 bytes"),
        (("--listen", "unix:/run/x", "--workers", "2"), "workers cannot share a Unix socket"),
        (("--listen", "unix:/run/x", *CERTIFICATE), "a Unix socket has no TLS"),
    ],
)
def test_settings_that_do_not_fit_are_refused(options: tuple[str, ...], reason: str) -> None:
    """The command exits with status 2 and the reason, without a traceback."""
    result = subprocess.run(
        [HUSHPOST, "serve", *options], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 2
    assert reason in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
