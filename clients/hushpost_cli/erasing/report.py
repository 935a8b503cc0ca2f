"""What an erasure asks, and what it says at its end."""

from hushpost_cli.contacts_file.layout import Layout
from hushpost_cli.contacts_file.rejected import RejectedFile
from hushpost_cli.erasing.sending import Survey, Tally

__all__ = ["checked", "columns", "finished", "question", "stopped"]


def columns(name: str, layout: Layout) -> list[str]:
    """Say, once, which columns are not used."""
    ignored = (name for name in layout.header if name is not layout.header[layout.contact_id])
    others = ", ".join(column.strip() for column in ignored if column.strip())
    return [f"{name}: ignoring the columns {others}"] if others else []


def checked(name: str, survey: Survey) -> list[str]:
    """Say what a file holds, after a dry run."""
    found = f"{survey.rows:,} rows, {survey.good:,} good, {survey.bad:,} bad"
    return [f"{name}: {found}; nobody was erased", *survey.told()]


def question(name: str, survey: Survey, tenant_id: str) -> str:
    """Ask whether it is meant."""
    bad = f" ({survey.bad:,} rows are bad and left out)" if survey.bad else ""
    return (
        f"{name}: erase {survey.good:,} contacts of {tenant_id}{bad}? "
        "Nobody can bring them back, nor what they did."
    )


def finished(name: str, survey: Survey, tally: Tally, rejected: RejectedFile) -> list[str]:
    """Say what an erasure did."""
    said = [f"{name}: {survey.rows:,} rows, {tally.erased:,} contacts erased"]
    if rejected.count:
        said.append(f"{rejected.count:,} rows rejected, see {rejected.path}")
    return said


def stopped(name: str, reason: str, tally: Tally) -> str:
    """Say how far an erasure came that broke off."""
    done = f"{tally.erased:,} contacts are erased"
    if tally.open:
        done += f", {tally.open:,} more may or may not be"
    return f"{name}: {reason}; {done}. Erasing the same file again goes on where it stopped."
