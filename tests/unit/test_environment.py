"""Misspelt environment variables of Hushpost."""

import re
from pathlib import Path

import pytest

from hushpost_runtime.environment import VARIABLES, misspelt_variables

REPOSITORY = Path(__file__).parents[2]

DELIBERATE = {"HUSHPOST_EDGE_AUTHORITY", "HUSHPOST_LISTN"}
"""Names in the tests of misspelt and former variables."""


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("HUSHPOST_LISTN", "HUSHPOST_LISTEN"),
        ("HUSHPOST_DATABASE_URI", "HUSHPOST_DATABASE_URL"),
        ("HUSHPOST_EDGE_AUTHORITY", "HUSHPOST_AUTHORITY"),
        ("HUSHPOST_TLS_CERT", "HUSHPOST_TLS_CERTIFICATE"),
        ("hushpost_max_call", "HUSHPOST_MAX_CALLS"),
    ],
)
def test_a_misspelt_variable_is_reported_with_the_nearest_setting(name: str, nearest: str) -> None:
    """The message names the variable and the setting that was probably meant."""
    (message,) = misspelt_variables([name, "PATH"])
    assert message.startswith(f"the environment variable {name} is not a setting")
    assert message.endswith(f"did you mean {nearest}?")


def test_an_unknown_variable_without_a_similar_setting_is_reported() -> None:
    """Nothing is suggested if no setting is similar."""
    (message,) = misspelt_variables(["HUSHPOST_ZZZZZZZZZZZZZZZZZZZZ"])
    assert message.endswith("is not a setting of any command")


@pytest.mark.parametrize(
    "name",
    [
        *("HUSHPOST_SERVICE_HOST", "HUSHPOST_SERVICE_PORT", "HUSHPOST_SERVICE_PORT_GRPC"),
        *("HUSHPOST_PORT", "HUSHPOST_PORT_50051_TCP", "HUSHPOST_PORT_50051_TCP_ADDR"),
        *("HUSHPOST_EDGE_SERVICE_HOST", "HUSHPOST_EDGE_PORT", "HUSHPOST_EDGE_PORT_80_TCP_PROTO"),
    ],
)
def test_variables_of_kubernetes_services_are_ignored(name: str) -> None:
    """Kubernetes sets such variables in every pod beside a Service whose name starts alike."""
    assert not misspelt_variables([name])


def test_settings_in_any_case_and_other_variables_are_ignored() -> None:
    """Settings are read without regard to case, and variables of other programs do not matter."""
    assert not misspelt_variables([*VARIABLES, "hushpost_listen", "PATH", "MY_HUSHPOST_LISTN"])


def test_no_variable_of_the_tests_looks_like_a_setting() -> None:
    """The tests are configured by HUSHPOST_TEST_…, which the commands that they run ignore."""
    sources = [REPOSITORY / "Makefile"]
    sources += [path for path in (REPOSITORY / "tests").rglob("*.py") if path != Path(__file__)]
    names = {
        name
        for source in sources
        for name in re.findall(r"\bHUSHPOST_[A-Z_]+\b", source.read_text("utf-8"))
    }
    assert not misspelt_variables(names - DELIBERATE)
