"""A filesystem of limited size, which tests fill."""

import os
import shutil
import subprocess
from pathlib import Path

__all__ = ["Disk", "LimitedDisk", "mounted"]

_BLOCK = 4096


class Disk:
    """A filesystem, which a test can fill."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, left: int) -> None:
        """Fill the disk except for some bytes; call it again if space has become free."""
        with self._filler.open("ab") as file:
            size, more = file.tell(), self._free_bytes() - left
            while more >= _BLOCK:
                try:
                    os.posix_fallocate(file.fileno(), size, more)
                except OSError:  # other processes have taken some of it
                    more //= 2
                else:
                    size += more
                    more = self._free_bytes() - left

    def clear(self) -> None:
        """Make the space free again."""
        self._filler.unlink(missing_ok=True)

    def _free_bytes(self) -> int:
        state = os.statvfs(self._filler.parent)
        return state.f_bavail * state.f_frsize


class LimitedDisk(Disk):
    """A filesystem in memory, mounted on a folder.

    Only processes that enter its mount namespace see it, so it disappears with the last of
    them, even if the test process is killed. No root rights are needed.

    Attributes:
        folder: The folder.
        enter: The start of a command that runs in the namespace.
    """

    def __init__(self, folder: Path, holder: subprocess.Popen[bytes], enter: list[str]) -> None:
        self.folder = folder
        self.enter = enter
        self._holder = holder
        super().__init__(self.outside(folder))

    def outside(self, path: Path) -> Path:
        """Return the path at which the test process sees a path on the disk; SQLite does not."""
        return Path(f"/proc/{self._holder.pid}/root{path}")

    def unmount(self) -> None:
        """End the namespace, unless other processes are in it."""
        self._holder.communicate()


def mounted(folder: Path, size: int) -> LimitedDisk | None:
    """Create a folder, and mount a disk of `size` bytes; None if the system does not allow that."""
    folder.mkdir()
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    user = [] if os.geteuid() == 0 else ["--map-current-user", "--keep-caps"]
    script = 'mount -t tmpfs -o size="$0",mode=711 tmpfs "$1" && echo mounted && exec cat'
    holder = subprocess.Popen(
        [unshare, *user, "--mount", "sh", "-c", script, str(size), folder],
        stdin=subprocess.PIPE,  # if this process ends, `cat` does
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert holder.stdout is not None
    if holder.stdout.readline() != b"mounted\n":
        holder.communicate()
        return None
    enter = ["nsenter", f"--target={holder.pid}", "--mount"]
    if user:
        enter += ["--user", "--preserve-credentials"]
    return LimitedDisk(folder, holder, enter)
