"""The messages of `hushpost consent verify`."""

from hushpost_cli.consent_log.comparison import Comparison
from hushpost_cli.consent_log.verification import LogSummary

__all__ = ["comparison_report", "log_report"]

_MAX_PROBLEMS = 10


def log_report(name: str, summary: LogSummary) -> list[str]:
    """Return what a file contains, or what is wrong with it."""
    if summary.problems:
        return _problems(f"{name} is not as it was written", summary.problems)
    period = f", from {summary.first_time} to {summary.last_time}" if summary.entries else ""
    return [f"{name}: {summary.entries:,} changes{period}", f"digest: {summary.digest}"]


def comparison_report(name: str, result: Comparison) -> list[str]:
    """Return how a file differs from the earlier one of that name."""
    if result.problems:
        return _problems(f"it does not extend {name}", result.problems)
    lines = [f"extends {name} by {result.added:,} changes"]
    if result.erased:
        lines.append(
            f"{result.erased:,} changes of {len(result.erased_contacts):,} contacts are erased: "
            "verify that these contacts were erased"
        )
    return lines


def _problems(title: str, problems: list[str]) -> list[str]:
    more = len(problems) - _MAX_PROBLEMS
    lines = [f"{title}:", *problems[:_MAX_PROBLEMS]]
    return [*lines, f"and {more:,} more"] if more > 0 else lines
