"""The Dockerfile against the project: what it copies, runs, listens on and checks."""

import re
import tomllib
from fnmatch import fnmatch

import pytest
from pydantic_settings import BaseSettings

import hushpost_dashboard.settings
import hushpost_edge.settings
import hushpost_service.settings
from hushpost_runtime.addresses import host_and_port
from hushpost_runtime.environment import misspelt_variables
from tests.deploy.build_context import is_sent, packed_files, sent_files, tracked_files
from tests.deploy.dockerfile import ROOT, arguments, read_stages
from tests.docs.test_cli_page import commands

STAGES = read_stages()
BUILD, RUNTIME = STAGES["build"], STAGES["runtime"]
TARGETS = ("authority", "edge", "dashboard")
SETTINGS: dict[str, type[BaseSettings]] = {
    "authority": hushpost_service.settings.Settings,
    "edge": hushpost_edge.settings.Settings,
    "dashboard": hushpost_dashboard.settings.Settings,
}
VENDOR = "clients/hushpost_dashboard/static/vendor/chart.min.js"


def test_the_base_image_is_named_once() -> None:
    """An operator can pin the base image of all stages with one argument."""
    assert arguments() == {"PYTHON_IMAGE": "python:3.13-slim"}
    bases = {stage.base for stage in STAGES.values()}
    assert bases - STAGES.keys() == {"${PYTHON_IMAGE}"}


def test_the_default_target_is_the_authority() -> None:
    """The last stage is what `docker build .` makes."""
    assert [*STAGES][-3:] == ["edge", "dashboard", "authority"]


def test_what_is_copied_exists_and_is_sent() -> None:
    """Each source of COPY is a file or a folder of the repository that .dockerignore lets through."""
    copies = [*BUILD.all("COPY"), *RUNTIME.all("COPY")]
    sources = [source for each in copies if "from" not in each.flags for source in each.words[:-1]]
    assert len(sources) > 5
    for source in sources:
        assert source == "." or source in sent_files()


def test_copies_between_stages_name_a_stage() -> None:
    """COPY --from refers to the stage that makes the folder."""
    copies = [each for each in RUNTIME.all("COPY") if "from" in each.flags]
    assert [(each.flags["from"], each.words) for each in copies] == [("build", ["/app", "/app"])]


def test_the_builder_gets_all_of_the_wheel() -> None:
    """No file of the source roots, nor one that pyproject.toml names, is kept from the builder."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*packed_files(), "pyproject.toml", project["readme"], *project["license-files"]]
    assert [path for path in wanted if not is_sent(path)] == []


def test_the_builder_gets_nothing_else() -> None:
    """Tests, documentation, environments, data and a chart library of the developer stay here."""
    kept = {path.partition("/")[0] for path in tracked_files() if not is_sent(path)}
    assert {"tests", "docs", "bench", "examples", "Makefile"} <= kept
    for path in (".git/config", ".venv/bin/python", ".hushpost/keyring.json", ".env", VENDOR):
        assert not is_sent(path)


def test_locks_are_the_ones_of_the_makefile() -> None:
    """The locks that the image installs are written by `make lock`, with hashes checked."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    steps = [each.value for each in BUILD.all("RUN") if " -r " in each.value]
    assert len(steps) == 2
    for step in steps:
        lock = re.search(r"-r (\S+)", step)
        assert lock
        assert f"-o {lock[1]}" in makefile
        assert "--require-hashes" in step
    assert BUILD.environment["PIP_ONLY_BINARY"] == ":all:"
    lines = makefile.replace("\\\n", " ").splitlines()
    [compilation] = [line for line in lines if line.endswith("-o requirements/image.txt")]
    extras = {"service", "native", "edge", "dashboard", "otel"}
    assert set(re.findall(r"--extra (\S+)", compilation)) == extras


def test_the_lock_has_no_tools() -> None:
    """What the image installs contains neither build tools nor the embedded database."""
    lock = (ROOT / "requirements/image.txt").read_text("utf-8")
    names = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", lock, re.MULTILINE)
    assert {"grpcio", "pygrpc-native", "granian", "asyncpg"} <= set(names)
    unwanted = ("pip", "setuptools", "hatchling", "nodejs*", "pixeltable*", "pytest*", "uv")
    assert [name for name in names if any(fnmatch(name, each) for each in unwanted)] == []


def test_the_last_stages_remove_pip() -> None:
    """The images contain no installer: an attacker would have to bring one."""
    steps = " ".join(each.value for each in RUNTIME.all("RUN"))
    assert "pip uninstall --yes" in steps
    assert "rm -rf /usr/local/lib/python3*/ensurepip" in steps
    assert "apt-get" not in steps


@pytest.mark.parametrize("target", TARGETS)
def test_the_user_is_fixed_and_unprivileged(target: str) -> None:
    """The user is numeric, so that Kubernetes can tell that it is not root."""
    assert STAGES[target].last("USER").value == "10001:10001"
    created = " ".join(each.value for each in RUNTIME.all("RUN"))
    assert "groupadd --gid 10001" in created
    assert "useradd --uid 10001 --gid 10001" in created
    assert "--owner 10001 --group 10001" in created


@pytest.mark.parametrize("target", TARGETS)
def test_exposed_ports_are_the_defaults(target: str) -> None:
    """EXPOSE names the port of the default address, and the image listens on it everywhere."""
    _, port = host_and_port(SETTINGS[target].model_fields["listen"].default)
    assert STAGES[target].last("EXPOSE").value == str(port)
    prefix = SETTINGS[target].model_config["env_prefix"]
    assert STAGES[target].environment[f"{prefix}LISTEN"] == f"0.0.0.0:{port}"


@pytest.mark.parametrize("target", TARGETS)
def test_variables_are_settings(target: str) -> None:
    """The image sets no variable that a command would reject as misspelt."""
    assert misspelt_variables(STAGES[target].environment) == []


@pytest.mark.parametrize("target", TARGETS)
def test_data_is_in_the_working_directory(target: str) -> None:
    """All roles keep their data in one folder, which belongs to the user."""
    folder = STAGES[target].last("WORKDIR").value
    environment = STAGES[target].environment
    assert {environment["HUSHPOST_DATA_DIR"], environment["HUSHPOST_EDGE_DATA_DIR"]} == {folder}
    assert folder in STAGES[target].last("RUN").words


@pytest.mark.parametrize(
    ("target", "command"),
    [("authority", "serve"), ("edge", "edge"), ("dashboard", "dashboard")],
)
def test_the_command_exists(target: str, command: str) -> None:
    """ENTRYPOINT is the console script, and CMD one of its commands."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    assert STAGES[target].last("ENTRYPOINT").words == [*scripts]
    assert STAGES[target].last("CMD").words == [command]
    assert command in dict(commands())
