"""What is known of a file that has been read to its end."""

from dataclasses import dataclass, field

from hushpost_cli.contacts_file.reading import Row

__all__ = ["Checked"]

_EXAMPLES = 10


@dataclass(slots=True)
class Checked:
    """How many rows a file has, and which of them can't be used.

    Attributes:
        rows: All rows but the header and blank lines.
        bad: Rows that can't be used.
        examples: The first of them, as line and reason.
    """

    rows: int = 0
    bad: int = 0
    examples: list[tuple[int, str]] = field(default_factory=list)

    @property
    def good(self) -> int:
        """Rows that can be used."""
        return self.rows - self.bad

    def reject(self, row: Row, reason: str) -> None:
        """Count a bad row."""
        self.bad += 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((row.line, reason))

    def told(self) -> list[str]:
        """Say which rows are bad, up to a number of them."""
        said = [f"line {line}: {reason}" for line, reason in self.examples]
        if self.bad > len(self.examples):
            said.append(f"and {self.bad - len(self.examples):,} more")
        return said
