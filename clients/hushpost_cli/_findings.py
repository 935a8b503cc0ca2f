"""Prints what checks found out."""

from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.text import Text

from hushpost_cli._exit import FAILED
from hushpost_cli._tables import output, printable
from hushpost_documents.reports import json_text
from hushpost_runtime.findings import Finding, Level

__all__ = ["report"]

_STYLES = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "bold red"}


def report(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Print findings, a line each. Raises typer.Exit if one is a problem."""
    if as_json:
        typer.echo(json_text([asdict(finding) for finding in findings]))
    else:
        console = output()
        for finding in findings:
            console.print(_line(finding), soft_wrap=True)
    if any(finding.level is Level.PROBLEM for finding in findings):
        raise typer.Exit(FAILED)


def _line(finding: Finding) -> Text:
    line = Text()
    line.append(f"{finding.level:<8}", _STYLES[finding.level])
    line.append(f"{finding.part}: ")
    line.append(printable(finding.text))
    if finding.advice:
        line.append(f"\n{'':8}-> ").append(printable(finding.advice))
    if finding.runbook:
        line.append(f"\n{'':8}-> Runbook: docs/operations.md#{finding.runbook}")
    return line
