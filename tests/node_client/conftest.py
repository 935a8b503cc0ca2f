"""A built copy of the Node client, and a way to run Node in it."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "clients/node"
BIN = Path(sys.prefix) / "bin"
INSTALLED = Path(sys.prefix) / "node-client"
"""Where the Makefile installs the packages of npm that the client needs."""

RUN_SECONDS = 100
"""Less than the timeout of a test, so that a failure shows what Node has written."""


@dataclass(frozen=True)
class NodePackage:
    """A copy of the Node client outside the source tree, built for use and for its tests."""

    folder: Path

    async def run(self, *command: str | Path, **variables: str | Path) -> tuple[int, str]:
        """Run a program of the environment in the folder; return its exit code and output."""
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        process = await asyncio.create_subprocess_exec(
            BIN / command[0],
            *command[1:],
            cwd=self.folder,
            env={**os.environ, "PATH": path, **{key: str(each) for key, each in variables.items()}},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            output, _ = await asyncio.wait_for(process.communicate(), RUN_SECONDS)
        except TimeoutError:
            process.kill()
            raise
        assert process.returncode is not None
        return process.returncode, output.decode()

    async def must_run(self, *command: str | Path, **variables: str | Path) -> str:
        """Run a program that must succeed; return its output."""
        code, output = await self.run(*command, **variables)
        assert code == 0, output
        return output


@pytest.fixture(scope="session")
async def package(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[NodePackage]:
    """Build the package, as users do, and its tests and example."""
    folder = tmp_path_factory.mktemp("node") / "package"
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("node_modules", "build", "dist"))
    package = NodePackage(folder)
    lock = INSTALLED / "package-lock.json"
    if lock.exists() and lock.read_bytes() == (SOURCE / "package-lock.json").read_bytes():
        (folder / "node_modules").symlink_to(INSTALLED / "node_modules")
    else:  # pytest was not started by make
        await package.must_run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    await package.must_run("npm", "run", "build")
    await package.must_run("node", "node_modules/.bin/tsc")
    yield package
    shutil.rmtree(folder)  # large, and of no use for finding a fault
