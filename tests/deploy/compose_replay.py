"""Runs the services of compose.yaml as processes of this machine, without a container engine.

Volumes are folders, the networks are the loopback address, and each port is a free one. Commands,
variables, scripts and configuration are those of the repository, with these names replaced. Where the
system allows it, services of the project have a read-only root file system and no capabilities.
"""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.deploy.compose_file import environment, mounts, services, stage_of
from tests.deploy.confinement import can_confine, confined
from tests.deploy.dockerfile import ROOT
from tests.forked_process import HUSHPOST, ForkedProcess, start
from tests.free_port import free_port

__all__ = ["ComposeReplay"]

_SECONDS = 120
_PORTS = {
    "database": (5432,),
    "authority-1": (50051, 9464),
    "authority-2": (50051, 9464),
    "edge-1": (8080, 8082),
    "edge-2": (8080, 8082),
    "dashboard": (8081,),
    "caddy": (80, 443, 8083),
}
_ALIASES = {"authority": "authority-1"}
_CADDY = "172.30.80.2/32"


class ComposeReplay:
    """An installation, whose services a test starts one by one; leaving the context ends them.

    Attributes:
        folder: The folder of the volumes and the logs.
        overrides: Variables that replace those of the services.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.overrides: dict[str, str] = {}
        self._ports = {
            (name, port): free_port() for name, ports in _PORTS.items() for port in ports
        }
        self._confine = can_confine(folder)
        self._running: dict[str, ForkedProcess | subprocess.Popen[bytes]] = {}

    def port(self, service: str, port: int) -> int:
        """Return the port on this machine for one of a service."""
        return self._ports[service, port]

    def volume(self, name: str) -> Path:
        """Return the folder of a volume; it is created as the image's user would own it."""
        path = self.folder / "volumes" / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def log(self, service: str) -> str:
        """Return what a service has written to standard error."""
        return self._log(service).read_text("utf-8")

    def here(self, service: str, text: str) -> str:
        """Return a text of a service with the paths and addresses of this machine."""
        for (name, port), local in self._ports.items():
            text = re.sub(rf"\b{name}:{port}\b", f"127.0.0.1:{local}", text)
            if service == name or services()[service].get("network_mode") == f"service:{name}":
                own = rf"\b(0\.0\.0\.0|127\.0\.0\.1|localhost):{port}\b"
                text = re.sub(own, f"127.0.0.1:{local}", text)
        for alias, name in _ALIASES.items():
            for port in _PORTS[name]:
                text = text.replace(f"{alias}:{port}", f"127.0.0.1:{self.port(name, port)}")
        text = text.replace("@database/", f"@127.0.0.1:{self.port('database', 5432)}/")
        text = text.replace(_CADDY, "127.0.0.1/32")
        for target, (source, _) in mounts(services()[service]).items():
            path = ROOT / source if source.startswith("./") else self.volume(source)
            text = re.sub(rf"(?<![\w.]){re.escape(target)}(?=[/\s\"]|$)", str(path), text)
        return text

    def environment(self, service: str) -> dict[str, str]:
        """Return all variables of a service, with the paths and addresses of this machine."""
        given = {name: value for name, value in os.environ.items() if "HUSHPOST_" not in name}
        given["PATH"] = f"{HUSHPOST.parent}:{given['PATH']}"
        own = {
            name: self.here(service, value)
            for name, value in environment(services()[service]).items()
            # The image has compiled modules. Here a process compiles those that have changed.
            if name not in {"PATH", "PYTHONDONTWRITEBYTECODE"}
        }
        return {**given, **own, "TMPDIR": str(self._temporary(service)), **self.overrides}

    def run_script(self, service: str) -> None:
        """Run the script of a service to its end. Raises CalledProcessError."""
        shell, script = services()[service]["entrypoint"]
        source, _ = mounts(services()[service])["/deploy"]
        text = (ROOT / source / Path(script).name).read_text("utf-8")
        self._run(service, [shell, "-c", self.here(service, text)])

    def run_cli(self, *arguments: str) -> str:
        """Run `docker compose run cli` with some arguments; return standard output."""
        name = "cli"
        [command] = services()[name]["entrypoint"]
        return self._run(name, [command, *(self.here(name, each) for each in arguments)]).stdout

    def start(self, *names: str) -> None:
        """Start services of images of the project, and wait until they are healthy."""
        for service in names:
            stage = stage_of(services()[service])
            assert stage is not None
            assert stage.last("ENTRYPOINT").words == [HUSHPOST.name]
            self.start_command(
                service, self._confined(service, [HUSHPOST, *stage.last("CMD").words])
            )
        for service in names:
            self._wait_until_healthy(service)

    def start_command(
        self, service: str, command: Sequence[str | Path], variables: dict[str, str] | None = None
    ) -> None:
        """Start a command as a service, and do not wait."""
        given = {**self.environment(service), **(variables or {})}
        with self._log(service).open("ab") as log, Path(os.devnull).open() as nothing:
            streams = nothing.fileno(), log.fileno(), log.fileno()
            self._running[service] = start(command, given, streams, self.folder)

    def is_healthy(self, service: str) -> bool:
        """Run the health check of the image once."""
        stage = stage_of(services()[service])
        assert stage is not None
        check = json.loads(stage.last("HEALTHCHECK").value.removeprefix("CMD "))
        command = [sys.executable, ROOT / "deploy/image" / Path(check[1]).name, *check[2:]]
        done = subprocess.run(
            command, env=self.environment(service), capture_output=True, check=False
        )
        return done.returncode == 0

    def is_confined(self, service: str) -> bool:
        """Whether a running service has a read-only root file system and no capabilities."""
        process = Path(f"/proc/{self._running[service].pid}")
        root = next(
            line
            for line in (process / "mountinfo").read_text().splitlines()[::-1]
            if line.split()[4] == "/"
        )
        capabilities = re.search(r"CapBnd:\s*(\w+)", (process / "status").read_text())
        return (
            "ro" in root.split()[5].split(",")
            and capabilities is not None
            and not int(capabilities[1], 16)
        )

    def stop(self, service: str) -> int:
        """Stop a service as Compose does, and return its exit code."""
        process = self._running.pop(service)
        process.send_signal(signal.SIGTERM)
        return process.wait(_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
            process.wait(_SECONDS)

    def _wait_until_healthy(self, service: str) -> None:
        deadline = time.monotonic() + _SECONDS
        # The check is a process, so it first runs when the port is open.
        while not (self._is_open(service) and self.is_healthy(service)):
            assert self._running[service].poll() is None, self.log(service)
            assert time.monotonic() < deadline, self.log(service)
            time.sleep(0.1)

    def _is_open(self, service: str) -> bool:
        stage = stage_of(services()[service])
        assert stage is not None
        port = self.port(service, int(stage.last("EXPOSE").value))
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    def _confined(self, service: str, command: list[str | Path]) -> list[str | Path]:
        """Return a command that can write only the volumes of its service, if the system can do that."""
        if not self._confine:
            return command
        volumes = [
            self.volume(source)
            for source, writable in mounts(services()[service]).values()
            if writable
        ]
        return confined(command, volumes, self._temporary(service))

    def _temporary(self, service: str) -> Path:
        path = self.folder / f"{service}.tmp"
        path.mkdir(exist_ok=True)
        return path

    def _log(self, service: str) -> Path:
        return self.folder / f"{service}.log"

    def _run(self, service: str, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=self.environment(service),
            capture_output=True,
            text=True,
            check=True,
            timeout=_SECONDS,
            cwd=self.folder,
        )
