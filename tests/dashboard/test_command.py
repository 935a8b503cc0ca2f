"""The command `hushpost dashboard`."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hushpost_cli._app import build
from hushpost_dashboard.settings import Settings
from hushpost_runtime.settings import SettingsError, environment_variable, read_settings
from tests.authority import HUSHPOST
from tests.conftest import RunningAuthority, TenantKeys
from tests.log_lines import log_lines

from .conftest import TRUSTED
from .dashboard_process import DashboardProcess
from .visitor import Visitor

START_SECONDS = 30


def test_each_setting_is_in_the_help() -> None:
    """Each setting is in --help; tests/docs checks that it is in the docs."""
    done = subprocess.run(
        [HUSHPOST, "dashboard", "--help"],
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
        timeout=START_SECONDS,
    )
    help_text = re.sub(r"[\s│]+", "", done.stdout)
    for name in Settings.model_fields:
        assert environment_variable(Settings, name) in help_text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--listen=8081",), "host:port"),
        (("--listen=127.0.0.1:0",), "host:port"),
        (("--listen=0.0.0.0:8081",), "--insecure"),
        (("--trusted-proxies=10.0.0.0/33",), "10.0.0.0/33"),
        (("--ca-file=/nowhere/ca",), "/nowhere/ca"),
        (("--client-key=/nowhere/key",), "client_certificate"),
        (("--session-key-file=/nowhere/key",), "/nowhere/key"),
        (("--log-level=loud",), "log_level"),
    ],
)
def test_invalid_settings_are_reported_in_one_line(options: tuple[str, ...], message: str) -> None:
    """An invalid setting ends the command with exit code 2 and one line, not a traceback."""
    done = CliRunner().invoke(build(), ["dashboard", *options])
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("listen", ["0.0.0.0:8081", "[::]:8081", "192.0.2.1:8081", "example.com:1"])
def test_keys_are_not_sent_in_clear_text_by_accident(listen: str) -> None:
    """An address that others can reach needs a proxy that adds TLS, or the explicit option."""
    with pytest.raises(SettingsError, match="--insecure"):
        read_settings(Settings, listen=listen)
    for permission in ({"insecure": True}, {"trusted_proxies": "192.0.2.9"}):
        assert read_settings(Settings, listen=listen, **permission).listen == listen


async def test_sessions_survive_a_restart_with_a_key_file(
    authority: RunningAuthority, tenant: TenantKeys, folder: Path, tmp_path: Path
) -> None:
    """SIGTERM ends the command with exit code 0; logs are JSON without keys and addresses."""
    option = f"--session-key-file={tmp_path / 'session.key'}"
    with DashboardProcess(folder, authority.target, TRUSTED, option) as dashboard:
        visitor = Visitor(dashboard.port)
        await visitor.sign_in(tenant.reporter_key)
        assert dashboard.stop() == 0
        dashboard.start()
        assert await visitor.is_signed_in()
    assert log_lines(dashboard.log_file)
    text = dashboard.log_file.read_text()
    for secret in ("hp_", visitor.address, tenant.tenant_id):
        assert secret not in text


async def test_operators_can_read_metrics(dashboard: DashboardProcess, visitor: Visitor) -> None:
    """They count attempts by outcome and name no one."""
    await visitor.sign_in("hp_wrong")
    text = (await visitor.get("/metrics")).body.decode()
    assert 'hushpost_dashboard_sign_ins_total{outcome="key_rejected"}' in text
    assert visitor.address not in text
