"""The recipients' mailboxes: an SMTP server that writes one file per mail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

__all__ = ["Mailbox", "receiving"]


class Mailbox:
    """A folder with the latest mail of each mailbox, as `<mailbox>.eml`; emptied at first."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        for pattern in ("*.eml", "*.html"):
            for file in folder.glob(pattern):
                file.unlink()

    def path(self, mailbox: str) -> Path:
        """Return the path of a mailbox's mail."""
        return self.folder / f"{mailbox}.eml"

    def files(self) -> list[Path]:
        """Return the paths of all mails."""
        return sorted(self.folder.glob("*.eml"))

    def show(self, mailbox: str, html: str) -> str:
        """Write the HTML part of a mail to a file; return the file's URL."""
        file = self.folder / f"{mailbox}.html"
        file.write_text(html, "utf-8", newline="")
        return file.resolve().as_uri()

    async def handle_DATA(  # noqa: N802 - required by aiosmtpd
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Store a mail."""
        for address in envelope.rcpt_tos:
            mailbox, _, _ = address.partition("@")
            if not mailbox.replace("-", "").isalnum():
                return "553 no such mailbox"
            content = envelope.content or b""
            self.path(mailbox).write_bytes(
                content if isinstance(content, bytes) else content.encode()
            )
        return "250 OK"


@asynccontextmanager
async def receiving(mailbox: Mailbox) -> AsyncIterator[int]:
    """Accept mail by SMTP on a loopback port until the block ends."""
    loop = asyncio.get_running_loop()
    # An explicit host name: the default looks it up, possibly in the network.
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", loop=loop), "127.0.0.1", 0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()
