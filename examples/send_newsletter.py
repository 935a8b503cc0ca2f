"""Send a newsletter with Hushpost: create a campaign, then render and send each message.

Install the requirements, start an authority and an SMTP server, then run:

    pip install 'hushpost[mail,cli]' aiosmtplib
    export HUSHPOST_API_KEY=hp_…
    python examples/send_newsletter.py examples/newsletter/recipients.csv \
        --authority localhost:50051 --tracking-url https://t.example.com --smtp localhost:1025

The CSV file has the columns contact_id, group_id and address. It is read twice and never
held in memory, so it can have any size.
"""
# ruff: noqa: INP001 - a script, not part of a package

import asyncio
import csv
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid
from pathlib import Path
from typing import Annotated

import aiosmtplib
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import hushpost_mail
from hushpost_client import Hushpost
from hushpost_mail import Recipient

NEWSLETTER = Path(__file__).with_name("newsletter")
SENDER = "The Kettle <news@kettle.example.com>"
LIST_UNSUBSCRIBE = "<https://kettle.example.com/unsubscribe>, <mailto:leave@kettle.example.com>"


def newsletter() -> EmailMessage:
    """Build the newsletter as a MIME message with a text and an HTML part."""
    message = EmailMessage(policy=SMTP)
    message["From"] = SENDER
    message["Subject"] = "Three teas for the first cold week"
    message["List-Unsubscribe"] = LIST_UNSUBSCRIBE
    message.set_content((NEWSLETTER / "newsletter.txt").read_text("utf-8"))
    message.add_alternative((NEWSLETTER / "newsletter.html").read_text("utf-8"), subtype="html")
    return message


def read_recipients(file: Path) -> Iterator[Recipient]:
    """Read the CSV file row by row."""
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield Recipient(row["contact_id"], row["group_id"], row["address"])


async def send(
    file: Path, *, authority: str, api_key: str, tracking_url: str, smtp: str, progress: Progress
) -> int:
    """Send the newsletter to every recipient in the file; return the number of messages."""
    group_sizes = Counter(recipient.group_id for recipient in read_recipients(file))
    task = progress.add_task("sending", total=group_sizes.total())
    host, _, port = smtp.rpartition(":")
    async with (
        Hushpost.connect(authority, api_key=api_key) as hushpost,
        aiosmtplib.SMTP(hostname=host, port=int(port)) as server,
    ):
        # Parse the newsletter once and register its links with the authority.
        campaign = await hushpost_mail.create_campaign(
            newsletter(), hushpost=hushpost, tracking_url=tracking_url, groups=group_sizes
        )
        # Render one message per recipient. Each has its own links and pixel.
        async with aclosing(campaign.render_all(read_recipients(file))) as messages:
            async for rendered in messages:
                mail = rendered.message.with_headers(
                    {"To": rendered.address, "Message-ID": make_msgid(domain="example.com")}
                )
                await server.sendmail(SENDER, rendered.address, bytes(mail))
                progress.advance(task)
    return group_sizes.total()


def main(
    file: Annotated[Path, typer.Argument(help="CSV file: contact_id, group_id, address.")],
    authority: Annotated[
        str, typer.Option(envvar="HUSHPOST_AUTHORITY", help="The authority, host:port.")
    ] = "localhost:50051",
    tracking_url: Annotated[
        str, typer.Option(help="The public URL of the edge.")
    ] = "https://t.example.com",
    smtp: Annotated[str, typer.Option(help="The SMTP server, host:port.")] = "localhost:1025",
) -> None:
    """Send the sample newsletter. The API key is read from HUSHPOST_API_KEY."""
    api_key = os.environ["HUSHPOST_API_KEY"]
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn()) as progress:
        sent = asyncio.run(
            send(
                file,
                authority=authority,
                api_key=api_key,
                tracking_url=tracking_url,
                smtp=smtp,
                progress=progress,
            )
        )
    typer.echo(f"sent {sent} messages")


if __name__ == "__main__":
    typer.run(main)
