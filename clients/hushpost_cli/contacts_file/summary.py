"""Counts the rows of a contacts file, and keeps the first errors."""

from dataclasses import dataclass, field

from hushpost_cli.contacts_file.csv_file import Row

__all__ = ["Summary"]

_EXAMPLES = 10


@dataclass(slots=True)
class Summary:
    """The rows of a file that has been read completely.

    Attributes:
        rows: All rows except the header and blank lines.
        bad: Rows that are rejected.
        examples: Line and reason of the first of them.
    """

    rows: int = 0
    bad: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)

    @property
    def good(self) -> int:
        """Rows that are not rejected."""
        return self.rows - self.bad

    def reject(self, row: Row, reason: str) -> None:
        """Count a bad row."""
        self.bad += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((row.line, reason))

    def totals(self) -> str:
        """Return the numbers of rows as text."""
        return f"{self.rows:,} rows, {self.good:,} good, {self.bad:,} bad"

    def errors(self) -> list[str]:
        """Return one line for each of the first errors."""
        lines = [f"line {line}: {reason}" for line, reason in self.examples]
        if self.bad > len(self.examples):
            lines.append(f"and {self.bad - len(self.examples):,} more")
        return lines
