"""Runs a command as a container would: read-only root file system, no capabilities."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

__all__ = ["can_confine", "confined"]

# $1: how many writable folders follow, then a folder for temporary files, then the command.
_SCRIPT = """
set -e
count=$1
shift
while [ "$count" -gt 0 ]; do
  mount --bind "$1" "$1"
  shift
  count=$((count - 1))
done
mount -t tmpfs tmpfs "$1"
shift
mount -o remount,bind,ro /
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
"""


def confined(
    command: Sequence[str | Path], writable: Sequence[Path], temporary: Path
) -> list[str | Path]:
    """Return a command that runs another one in a mount namespace and without capabilities.

    Args:
        command: The command.
        writable: The folders that it may write.
        temporary: An empty folder, on which a file system in memory is mounted.
    """
    user = [] if os.geteuid() == 0 else ["--map-current-user", "--keep-caps"]
    script: list[str | Path] = ["sh", "-c", _SCRIPT, "confined", str(len(writable)), *writable]
    return ["unshare", *user, "--mount", *script, temporary, *command]


@cache
def can_confine(folder: Path) -> bool:
    """Whether the system allows that, and a folder, which is left empty, is protected by it."""
    if not all(map(shutil.which, ("unshare", "setpriv", "mount"))):
        return False
    temporary = folder / "temporary"
    temporary.mkdir()
    script: list[str | Path] = [
        "sh",
        "-c",
        'touch "$0/temporary/file" && ! touch "$0/file"',
        folder,
    ]
    done = subprocess.run(confined(script, [], temporary), capture_output=True, check=False)
    temporary.rmdir()
    return done.returncode == 0
