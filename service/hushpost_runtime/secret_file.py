"""Reads files with secrets: keyrings, private keys, API keys."""

import errno
import os
import stat
from pathlib import Path

__all__ = ["read_secret_file"]


def read_secret_file(path: Path) -> bytes:
    """Return the content of a file that holds a secret.

    The file's group may read it, because Kubernetes and service managers hand out secrets
    that way. All other users may not have any access.

    Raises:
        OSError: The file cannot be read, or other users have access to it.
    """
    with path.open("rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & stat.S_IRWXO:
            raise PermissionError(
                errno.EACCES,
                f"every user of this machine has access to it: chmod o= {path}",
                str(path),
            )
        return file.read()
