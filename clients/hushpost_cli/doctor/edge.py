"""Checks whether an edge is ready."""

from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from hushpost_runtime.findings import Finding, Runbook, problem, works

__all__ = ["diagnose"]

_EDGE = "edge"
_SECONDS = 5.0


def diagnose(url: str) -> list[Finding]:
    """Ask the edge at a URL whether it is ready."""
    if urlsplit(url).scheme not in ("http", "https"):
        return [problem(_EDGE, f"{url} is no URL of an edge.", "Give http://host:port.")]
    try:
        # The scheme was checked.
        with urlopen(f"{url.rstrip('/')}/readyz", timeout=_SECONDS) as response:  # noqa: S310
            text = response.read(200).decode(errors="replace").strip()
    except HTTPError as error:
        with error:
            return [_not_ready(url, error)]
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        advice = "Check that hushpost edge runs there. A proxy may keep /readyz internal."
        text = f"{url} can't be reached: {reason}."
        return [problem(_EDGE, text, advice, Runbook.PROCESS_DOWN)]
    if text == "ok":
        return [works(_EDGE, f"{url} is ready.")]
    if not text.startswith("ok"):
        advice = "Give the address of hushpost edge. A proxy may keep /readyz internal."
        return [problem(_EDGE, f"{url} does not respond as an edge.", advice)]
    advice = "Free space on its disk, let it reach the authority, or raise --spool-bytes."
    return [problem(_EDGE, f"{url} says: {text}.", advice, Runbook.FULL_DISK)]


def _not_ready(url: str, error: HTTPError) -> Finding:
    text = error.read(200).decode(errors="replace").strip()
    return problem(
        _EDGE,
        f"{url} is not ready: {error.code} {text}.",
        "Check its log, its API key and its way to the authority. A proxy may keep /readyz "
        "internal.",
        Runbook.EVENTS_WAIT,
    )
