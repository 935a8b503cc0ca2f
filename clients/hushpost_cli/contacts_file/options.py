"""The options of every command that goes through a file of contacts."""

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

__all__ = ["Delimiter", "DryRun", "Rejected"]

Delimiter: TypeAlias = Annotated[
    Literal["auto", ",", ";"], typer.Option(help="What separates cells.")
]
Rejected: TypeAlias = Annotated[
    Path | None, typer.Option(help="Where bad rows go; by default NAME.rejected.csv beside.")
]
DryRun: TypeAlias = Annotated[
    bool, typer.Option("--dry-run", help="Check and report; contact nobody, write nothing.")
]
