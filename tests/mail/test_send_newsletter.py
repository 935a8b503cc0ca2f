"""Runs examples/send_newsletter.py against a real authority and a real SMTP server."""

import asyncio
import email
import email.policy
import os
import re
import sys
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from hushpost_mail import parse_template
from tests.conftest import RunningAuthority, TenantKeys

EXAMPLES = Path(__file__).parents[2] / "examples"
TRACKING_URL = "https://t.example.com"


class Mailbox:
    """An SMTP handler that keeps the messages it receives."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        """Store a message."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        assert envelope.rcpt_tos == [message["To"]]
        self.messages.append(message)
        return "250 OK"


@pytest.fixture
async def smtp() -> AsyncIterator[tuple[str, Mailbox]]:
    """Start an SMTP server on loopback; yield its address and its mailbox."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(mailbox, loop=loop), "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}", mailbox
    finally:
        server.close()
        await server.wait_closed()


async def test_the_example_sends_the_newsletter(
    authority: RunningAuthority, tenant: TenantKeys, smtp: tuple[str, Mailbox]
) -> None:
    """Each recipient in the CSV gets a message with tracked links, pixel and preference link."""
    address, mailbox = smtp
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        EXAMPLES / "send_newsletter.py",
        EXAMPLES / "newsletter" / "recipients.csv",
        *("--authority", authority.target, "--smtp", address, "--tracking-url", TRACKING_URL),
        env={**os.environ, "HUSHPOST_API_KEY": tenant.sender_key},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, output.decode()
    assert b"sent 3 messages" in output
    assert [message["To"] for message in mailbox.messages] == [
        "ada@example.com",
        "grace@example.com",
        "edsger@example.com",
    ]
    tokens = set()
    for message in mailbox.messages:
        body = message.get_body(("html",))
        assert body is not None
        html = body.get_content()
        assert len(re.findall(rf"{TRACKING_URL}/c/[\w-]{{56}}/\d+", html)) == 12
        assert len(re.findall(rf"{TRACKING_URL}/p/[\w-]+", html)) == 1
        assert "{{" not in html
        tokens.update(re.findall(r"/o/([\w-]{56})\.gif", html))
    assert len(tokens) == 3


def test_the_sample_newsletter_has_labels() -> None:
    """The links of the sample newsletter have labels, and its unsubscribe link is skipped."""
    html = (EXAMPLES / "newsletter" / "newsletter.html").read_text("utf-8")
    template = parse_template(html, tracking_url=TRACKING_URL)
    labels = [link.label for link in template.links]
    assert "header: logo" in labels
    assert "footer: home" in labels
    assert not any("unsubscribe" in link.url for link in template.links)
