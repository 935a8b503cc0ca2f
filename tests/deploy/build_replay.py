"""Runs the build stage of the Dockerfile without a container engine, in a folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.deploy.build_context import sent_files
from tests.deploy.dockerfile import ROOT, Instruction, Stage

__all__ = ["BuildReplay"]

_FOLDERS = re.compile(r"(?<![\w./])/(src|builder|app|wheels)\b")
"""The absolute paths of the build stage."""


class BuildReplay:
    """The build stage, whose absolute paths are below a folder.

    The interpreter is that of the tests and not the one of the base image.

    Args:
        stage: The stage.
        folder: An empty folder.
    """

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.folder = folder
        self._stage = stage
        self._source = folder / "src"
        self._source.mkdir()
        (folder / "bin").mkdir()
        base = Path(sys.base_exec_prefix) / "bin" / f"python3.{sys.version_info.minor}"
        (folder / "bin" / "python").symlink_to(base)

    @property
    def app(self) -> Path:
        """The environment that the image gets."""
        return self.folder / "app"

    def run(self) -> None:
        """Run all steps. Raises CalledProcessError."""
        for step in self._stage.instructions:
            self.run_step(step)

    def run_step(self, step: Instruction) -> None:
        """Run a step; only COPY and RUN do something. Raises CalledProcessError."""
        if step.name == "COPY":
            *sources, target = step.words
            for source in sources:
                self._copy(source, target)
        elif step.name == "RUN":
            command = _FOLDERS.sub(rf"{self.folder}/\1", step.value)
            environment = {**os.environ, **self._stage.environment, "PIP_QUIET": "1"}
            environment["PATH"] = f"{self.folder}/bin:{environment['PATH']}"
            shell = ["/bin/sh", "-e", "-c", command]
            subprocess.run(shell, cwd=self._source, env=environment, check=True)

    def _copy(self, source: str, target: str) -> None:
        for path in sent_files():
            if source in {".", path}:
                name = path if target in (".", "./") else target + Path(path).name
                copy = self._source / (path if source == "." else name)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / path, copy)
