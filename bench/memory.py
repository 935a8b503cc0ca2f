"""How much memory a process holds, looked at again and again."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

__all__ = ["Held", "watched"]

_LOOK_SECONDS = 0.05
_MIB = 2**20


class Held:
    """Resident memory of a process in MiB."""

    def __init__(self, pid: int) -> None:
        self._file = Path(f"/proc/{pid}/statm")
        self.most = self.now()

    def now(self) -> float:
        """Look."""
        pages = int(self._file.read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MIB

    async def forever(self) -> None:
        """Look again and again, and remember the most."""
        while True:
            self.most = max(self.most, self.now())
            await asyncio.sleep(_LOOK_SECONDS)


@asynccontextmanager
async def watched(pid: int) -> AsyncIterator[Held]:
    """Watch a process."""
    held = Held(pid)
    task = asyncio.create_task(held.forever())
    try:
        yield held
    finally:
        task.cancel()
