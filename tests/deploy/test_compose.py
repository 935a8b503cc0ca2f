"""compose.yaml against the project: commands, ports, variables, paths, secrets and limits."""

import re
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from hushpost_runtime.addresses import host_and_port
from hushpost_runtime.environment import misspelt_variables
from hushpost_runtime.settings import read_settings
from tests.deploy.compose_file import (
    bind_mounts,
    environment,
    mounts,
    published_ports,
    section,
    services,
    stage_of,
    variables,
)
from tests.deploy.dockerfile import ROOT
from tests.deploy.test_image import SETTINGS
from tests.docs.test_cli_page import commands

SERVICES = services()
OURS = {name: service for name, service in SERVICES.items() if stage_of(service)}
ROLES = {
    name: service["build"]["target"]
    for name, service in OURS.items()
    if "entrypoint" not in service
}
LASTING = {name: each for name, each in SERVICES.items() if each["restart"] != "no"}
SCRIPTS = [name for name, service in OURS.items() if service.get("entrypoint", [""])[0] == "sh"]
COMMANDS = dict(commands())
GRACE = re.compile(r"(\d+)s")


def settings(name: str, monkeypatch: pytest.MonkeyPatch) -> BaseSettings:
    """Return the settings that the command of a service would read."""
    for variable, value in environment(SERVICES[name]).items():
        monkeypatch.setenv(variable, value)
    return read_settings(SETTINGS[ROLES[name]])


def test_all_parts_are_there() -> None:
    """There are two authorities, two edges and a dashboard."""
    assert sorted(ROLES.values()) == ["authority", "authority", "dashboard", "edge", "edge"]
    assert {"database", "caddy", "prometheus", "grafana", "cli"} <= SERVICES.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_services_are_confined(name: str) -> None:
    """No service has rights that it does not need, nor writes outside its volumes and /tmp."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert "/tmp" in service["tmpfs"]  # noqa: S108 - a mount point
    assert not service.get("privileged")
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", LASTING)
def test_services_have_health_checks(name: str) -> None:
    """A service that keeps running has a health check, its own or that of its image."""
    stage = stage_of(SERVICES[name])
    if stage is None:
        assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    else:
        assert "healthcheck" not in SERVICES[name]
        assert stage.last("HEALTHCHECK").value.startswith("CMD ")


@pytest.mark.parametrize("name", ROLES)
def test_services_have_time_to_stop(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No service is killed while it shuts down gracefully."""
    found = GRACE.fullmatch(SERVICES[name]["stop_grace_period"])
    assert found
    read = settings(name, monkeypatch)
    needed = getattr(read, "shutdown_seconds", 20) + 10 + getattr(read, "drain_seconds", 0)
    assert int(found[1]) > max(30, needed)


@pytest.mark.parametrize("name", OURS)
def test_variables_are_settings(name: str) -> None:
    """No command rejects a variable as misspelt."""
    assert misspelt_variables(environment(OURS[name])) == []


@pytest.mark.parametrize("name", ROLES)
def test_settings_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each role accepts its settings, and does not refuse to listen without encryption."""
    read = settings(name, monkeypatch)
    if ROLES[name] == "authority":
        read.check_encryption()  # type: ignore[attr-defined]
    else:
        host, port = host_and_port(read.authority)  # type: ignore[attr-defined]
        assert host == "authority"
        assert str(port) == stage_port("authority")
        assert read.tls is False  # type: ignore[attr-defined]


def stage_port(target: str) -> str:
    """Return the port that a target listens on."""
    name = next(name for name, role in ROLES.items() if role == target)
    stage = stage_of(SERVICES[name])
    assert stage is not None
    return stage.last("EXPOSE").value


def test_plain_calls_stay_on_this_machine() -> None:
    """Authorities are reached without encryption over an internal network or the loopback only."""
    users = [name for name, role in ROLES.items() if role != "authority"]
    assert section("networks")["rpc"]["internal"] is True
    for name in users:
        assert not {"front", "outside", "monitoring"} & set(SERVICES[name]["networks"])
    for name, role in ROLES.items():
        if role == "authority":
            assert SERVICES[name]["networks"]["rpc"]["aliases"] == ["authority"]
        for host, _ in published_ports(SERVICES[name]):
            assert host.startswith("127.0.0.1:")


def test_only_caddy_is_reached_from_outside() -> None:
    """All other published ports are on the loopback address."""
    for name, service in SERVICES.items():
        for host, _ in published_ports(service):
            assert host.startswith("127.0.0.1:") or name == "caddy"


def test_the_address_of_caddy_is_the_trusted_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Edges and the dashboard trust Caddy's fixed address, which no other container can get."""
    address = ip_address(SERVICES["caddy"]["networks"]["http"]["ipv4_address"])
    [config] = section("networks")["http"]["ipam"]["config"]
    assert address in ip_network(config["subnet"])
    assert address not in ip_network(config["ip_range"])
    assert address != ip_address(config["gateway"])
    for name, role in ROLES.items():
        if role != "authority":
            assert settings(name, monkeypatch).trusted_proxies == f"{address}/32"  # type: ignore[attr-defined]


def test_the_ask_port_is_internal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port that tells who the customers are is not published, and not the one for readers."""
    for name, role in ROLES.items():
        if role == "edge":
            assert published_ports(SERVICES[name]) == []
            ask = settings(name, monkeypatch).ask_listen  # type: ignore[attr-defined]
            assert host_and_port(ask)[1] != int(stage_port("edge"))
            networks = [section("networks")[each] for each in SERVICES[name]["networks"]]
            assert all(network.get("internal") for network in networks)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_use_commands_that_exist(name: str) -> None:
    """The scripts that run before the first start are there, and call existing commands."""
    _, script = OURS[name]["entrypoint"]
    source, _ = mounts(OURS[name])["/deploy"]
    text = (ROOT / source / Path(script).name).read_text("utf-8")
    assert text.startswith("#!/bin/sh\n")
    for words in re.findall(r"^(?:exec )?hushpost (\S+)", text, re.MULTILINE):
        assert words in COMMANDS


def test_mounted_files_exist() -> None:
    """Each mounted file is in the repository, and so are the dashboards of Grafana."""
    assert [path for path in bind_mounts() if not path.exists()] == []


def test_volumes_are_declared() -> None:
    """Each volume that a service mounts is declared, and each declared one is used."""
    sources = {source for each in SERVICES.values() for source, _ in mounts(each).values()}
    assert {source for source in sources if "/" not in source} == section("volumes").keys()


def test_volumes_belong_to_the_user_of_the_image() -> None:
    """The image has the folders on which new volumes are mounted, so that they get its owner."""
    for name, service in OURS.items():
        stage = stage_of(service)
        assert stage is not None
        created = stage.all("RUN")[-1].words
        for target, (source, writable) in mounts(service).items():
            if "/" not in source and writable:
                assert target in created, f"{name}: {target}"


def test_one_service_writes_each_secret() -> None:
    """The keyring, keys and passwords are written by one service before others read them."""
    writers: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        for source, writable in mounts(service).values():
            if writable:
                writers.setdefault(source, set()).add(name)
    assert writers["database-secrets"] == {"create-passwords"}
    assert writers["edge-keys"] == {"create-edge-key"}
    # The operator rotates the keyring and creates further keys with the command line.
    assert writers["keyring"] == {"create-admin-key", "cli"}
    assert writers["admin-keys"] == {"create-admin-key", "cli"}


def test_readers_of_secrets_wait_for_their_writer() -> None:
    """A service starts after the one that creates the secrets which it reads."""
    for writer in (name for name in SERVICES if name.startswith("create-")):
        written = {source for source, writable in mounts(SERVICES[writer]).values() if writable}
        for name in LASTING:
            if written & {source for source, _ in mounts(SERVICES[name]).values()}:
                assert writer in needed_by(name), f"{name} does not wait for {writer}"


def needed_by(name: str) -> set[str]:
    """Return the services that a service waits for, directly or not."""
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*map(needed_by, direct))


def test_each_edge_has_its_own_data() -> None:
    """No two services write the same folder of data."""
    data = [
        mounts(SERVICES[name])["/var/lib/hushpost"][0]
        for name, role in ROLES.items()
        if role == "edge"
    ]
    assert len(set(data)) == len(data) == 2


def test_no_service_reads_secrets_that_it_does_not_need() -> None:
    """Edges and the dashboard, which face readers, have neither the keyring nor the database."""
    for name, role in ROLES.items():
        if role != "authority":
            sources = {source for source, _ in mounts(SERVICES[name]).values()}
            assert not sources & {"keyring", "database-secrets", "admin-keys"}
            assert "sql" not in SERVICES[name]["networks"]


def test_no_variable_contains_a_secret() -> None:
    """Secrets are files: the addresses of databases have no password, and keys are not given."""
    for name, service in SERVICES.items():
        for variable, value in environment(service).items():
            assert not re.search(r"://[^@/]*:[^@/]*@", value), (name, variable)
            assert not re.search(r"(PASSWORD|API_KEY|SECRET)$", variable), (name, variable)


def test_services_wait_for_what_they_need() -> None:
    """Each service starts when those that it depends on are healthy, or have done their work."""
    for service in SERVICES.values():
        for name, needed in service.get("depends_on", {}).items():
            expected = "service_healthy" if name in LASTING else "service_completed_successfully"
            assert needed["condition"] == expected


def test_dependencies_have_no_cycle() -> None:
    """The services can be started in some order, which begins with the passwords."""
    started: list[str] = []
    waiting = dict(SERVICES)
    while ready := [
        name for name, each in waiting.items() if set(each.get("depends_on", {})) <= {*started}
    ]:
        started += ready
        for name in ready:
            del waiting[name]
    assert waiting == {}
    order = ["create-passwords", "database", "create-admin-key", "authority-2", "create-edge-key"]
    places = [started.index(name) for name in [*order, "edge-1", "caddy"]]
    assert places == sorted(places)


def test_profiles_are_the_documented_ones() -> None:
    """What is not needed to serve mail starts only with a profile."""
    profiles = {name: each["profiles"] for name, each in SERVICES.items() if "profiles" in each}
    assert profiles == {
        "cli": ["tools"],
        "prometheus": ["monitoring"],
        "grafana": ["monitoring"],
    }


def test_the_example_has_all_variables() -> None:
    """example.env has each variable of compose.yaml with its default, and no other."""
    lines = (ROOT / "deploy/compose/example.env").read_text("utf-8").splitlines()
    pairs = [line.split("=", 1) for line in lines if line and not line.startswith("#")]
    assert dict(pairs) == variables()
