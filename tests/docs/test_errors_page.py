"""The table of errors, docs/reference/errors.md."""

from pathlib import Path

from hushpost.v1.errors_pb2 import ErrorReason

PAGE = Path(__file__).parents[2] / "docs/reference/errors.md"


def test_every_reason_is_on_the_page() -> None:
    """The table has a row for each value of ErrorReason that the authority sends."""
    reasons = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()}  # noqa: SIM118 - no dict
    text = PAGE.read_text("utf-8")
    missing = {name for name in reasons if f"| `{name}` |" not in text}
    assert missing == {"UNSPECIFIED"}
