"""What an import says at its end."""

from hushpost_cli.contacts_file.layout import Layout
from hushpost_cli.contacts_file.rejected import RejectedFile
from hushpost_cli.importing.sending import Tally
from hushpost_cli.importing.survey import Survey
from hushpost_client import DoNotTrack

__all__ = ["checked", "columns", "finished", "stopped"]


def columns(name: str, layout: Layout) -> list[str]:
    """Say, once, what of the header is not used or not there."""
    said = []
    if layout.ignored:
        said.append(f"{name}: ignoring the columns {', '.join(layout.ignored)}")
    if layout.do_not_track is None:
        said.append(f"{name}: no column doNotTrack, preferences are left alone")
    return said


def checked(name: str, survey: Survey) -> list[str]:
    """Say what a file holds, after a dry run."""
    count = survey.preferences.get
    found = f"{survey.rows:,} rows, {survey.good:,} good, {survey.bad:,} bad"
    return [
        f"{name}: {found}; nothing was written",
        f"doNotTrack true: {count(DoNotTrack.TRUE, 0):,}",
        f"doNotTrack false: {count(DoNotTrack.FALSE, 0):,}, by an empty cell: {survey.empty:,}",
        f"doNotTrack unset by an empty cell: {count(DoNotTrack.UNSET, 0):,}",
        f"doNotTrack left alone: {count(None, 0):,}",
        *survey.told(),
    ]


def finished(name: str, survey: Survey, tally: Tally, rejected: RejectedFile) -> list[str]:
    """Say what an import did."""
    done = f"{tally.sent:,} contacts imported: {tally.created:,} new, {tally.changed:,} changed"
    said = [f"{name}: {survey.rows:,} rows, {done}"]
    if tally.superseded:
        said.append(f"{tally.superseded:,} rows gave way to another row of the same contact")
    if rejected.count:
        said.append(f"{rejected.count:,} rows rejected, see {rejected.path}")
    return said


def stopped(name: str, reason: str, tally: Tally) -> str:
    """Say up to where an import came that broke off."""
    done = f"everything up to line {tally.done_line:,} is imported"
    if not tally.done_line:
        done = "nothing was imported"
    if tally.open_line:
        since = f"from there to line {tally.open_line:,}"
        if not tally.done_line:
            done, since = "nothing is known to be imported", f"up to line {tally.open_line:,}"
        done += f", the rows {since} may or may not be"
    return f"{name}: {reason}; {done}. Importing the file again is safe."
