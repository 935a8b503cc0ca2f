"""Reads and writes files with secrets: keyrings, private keys, API keys."""

import errno
import os
import secrets
import stat
from pathlib import Path

__all__ = ["read_secret_file", "write_secret_file"]


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


def write_secret_file(path: Path, content: bytes) -> None:
    """Create or replace a file atomically and durably, readable by its owner only.

    Raises OSError.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # otherwise a power failure could remove the new file
    finally:
        os.close(folder)
