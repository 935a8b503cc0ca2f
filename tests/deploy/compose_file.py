"""Reads compose.yaml with the defaults of its variables."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.dockerfile import ROOT, Stage, read_stages

__all__ = [
    "COMPOSE",
    "bind_mounts",
    "environment",
    "mounts",
    "published_ports",
    "services",
    "stage_of",
    "variables",
]

COMPOSE = ROOT / "compose.yaml"
_VARIABLE = re.compile(r"\$\{(\w+):-([^}]*)\}")


@cache
def _file() -> dict[str, Any]:
    text = _VARIABLE.sub(lambda found: found[2], COMPOSE.read_text("utf-8"))
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def variables() -> dict[str, str]:
    """Return the variables that an operator can set, with their defaults."""
    return dict(_VARIABLE.findall(COMPOSE.read_text("utf-8")))


def section(name: str) -> dict[str, Any]:
    """Return a part of the file, such as `networks`."""
    part: dict[str, Any] = _file()[name]
    return part


def services() -> dict[str, dict[str, Any]]:
    """Return the services by name."""
    return section("services")


def stage_of(service: dict[str, Any]) -> Stage | None:
    """Return the target of the Dockerfile that a service runs; None for a foreign image."""
    build = service.get("build")
    return None if build is None else read_stages()[build["target"]]


def environment(service: dict[str, Any]) -> dict[str, str]:
    """Return the variables of a service: those of its image, then its own."""
    stage = stage_of(service)
    return {**(stage.environment if stage else {}), **service.get("environment", {})}


def mounts(service: dict[str, Any]) -> dict[str, tuple[str, bool]]:
    """Return what is mounted where: the volume or host path, and whether it can be written."""
    parts = [mount.split(":") for mount in service.get("volumes", [])]
    return {part[1]: (part[0], "ro" not in part[2:]) for part in parts}


def bind_mounts() -> list[Path]:
    """Return the files and folders of the repository that services mount."""
    sources = [source for each in services().values() for source, _ in mounts(each).values()]
    return [ROOT / source for source in sources if source.startswith("./")]


def published_ports(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the addresses on this machine, and the ports in the container that they lead to."""
    pairs = [port.partition("/")[0].rpartition(":") for port in service.get("ports", [])]
    return [(host, port) for host, _, port in pairs]
