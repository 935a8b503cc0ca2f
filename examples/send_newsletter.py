"""Send the sample newsletter: compile it once, render it per recipient, hand it to SMTP.

    pip install 'hushpost[mail,cli]' aiosmtplib
    HUSHPOST_API_KEY=hp_… python examples/send_newsletter.py recipients.csv \
        --authority localhost:50051 --tracking-url https://t.example.com --smtp localhost:1025

The CSV has the columns contact_id, group_id and address. It is read twice: once
to learn its length and groups, once while sending; it may be of any size.
"""
# ruff: noqa: INP001 - a script on its own

import asyncio
import csv
import os
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
UNSUBSCRIBE = "<https://kettle.example.com/unsubscribe>, <mailto:leave@kettle.example.com>"


def newsletter() -> EmailMessage:
    """Write the newsletter as any mail program would."""
    message = EmailMessage(policy=SMTP)
    message["From"] = SENDER
    message["Subject"] = "Three teas for the first cold week"
    message["List-Unsubscribe"] = UNSUBSCRIBE
    message.set_content((NEWSLETTER / "newsletter.txt").read_text("utf-8"))
    message.add_alternative((NEWSLETTER / "newsletter.html").read_text("utf-8"), subtype="html")
    return message


def recipients(file: Path) -> Iterator[Recipient]:
    """Read the recipients, one after the other."""
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield Recipient(row["contact_id"], row["group_id"], row["address"])


async def send(
    file: Path, *, authority: str, api_key: str, tracking_url: str, smtp: str, progress: Progress
) -> int:
    """Send the newsletter to everybody in the file and answer how many that were."""
    everybody = sum(1 for _ in recipients(file))
    groups = {recipient.group_id for recipient in recipients(file)}
    host, _, port = smtp.rpartition(":")
    task = progress.add_task("sending", total=everybody)
    async with (
        Hushpost.connect(authority, api_key=api_key, tls=False) as hushpost,
        aiosmtplib.SMTP(hostname=host, port=int(port)) as server,
    ):
        campaign = await hushpost_mail.create_campaign(
            newsletter(), hushpost=hushpost, tracking_url=tracking_url, groups=groups
        )
        async with aclosing(campaign.render_all(recipients(file))) as messages:
            async for rendered in messages:
                headers = {"To": rendered.address, "Message-ID": make_msgid(domain="example.com")}
                mail = rendered.message.with_headers(headers)
                await server.sendmail(SENDER, rendered.address, bytes(mail))
                progress.advance(task)
    return everybody


def main(
    file: Annotated[Path, typer.Argument(help="CSV: contact_id, group_id, address.")],
    authority: Annotated[str, typer.Option(help="host:port")] = "localhost:50051",
    tracking_url: Annotated[str, typer.Option(help="Of the edge.")] = "https://t.example.com",
    smtp: Annotated[str, typer.Option(help="host:port")] = "localhost:1025",
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
