"""Finds statements after which a release that is still running could fail."""

import re
from collections.abc import Iterator

__all__ = ["contractions"]

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_BODY = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_TEXT = re.compile(r"'[^']*'")

_CREATED = re.compile(r"\bcreate (?:unlogged )?table (?:if not exists )?(\S+)")
_ON = re.compile(r"\balter table (?:if exists )?(?:only )?(\S+)|\bcreate unique index .*? on (\S+)")

_ALWAYS = {
    "drops something": re.compile(r"\bdrop (?!not null)"),
    "renames something": re.compile(r"\brename\b"),
    "deletes rows": re.compile(r"\btruncate\b|\bdelete from\b"),
    "revokes rights": re.compile(r"\brevoke\b"),
}
_ON_EXISTING_TABLES = {
    "changes a type": re.compile(r"\balter (?:column )?\S+ (?:set data )?type\b"),
    "forbids nulls": re.compile(r"\bset not null\b"),
    "adds a constraint": re.compile(r"\badd (?:constraint|check|unique|primary|foreign|exclude)\b"),
    "adds a unique index": re.compile(r"\bcreate unique index\b"),
}
_NEW_COLUMN = re.compile(r"\badd (?:column )?(?!constraint\b)[^,]*")
_HAS_VALUE = re.compile(r"\bdefault\b|\bgenerated\b")


def contractions(script: str) -> list[str]:
    """Return what is wrong with a script of a pre-deploy revision.

    Tables that the script itself creates are exempt, because no earlier release uses them. This
    reads SQL with regular expressions: it catches mistakes, not deceit.
    """
    return [
        f"{what}: {statement}"
        for statement in _statements(script)
        for what in _faults(script, statement)
    ]


def _statements(script: str) -> Iterator[str]:
    """Yield statements without comments, function bodies and string constants, in lower case."""
    for pattern in (_COMMENT, _BODY, _TEXT):
        script = pattern.sub(" ", script)
    for statement in script.split(";"):
        if words := statement.lower().split():
            yield " ".join(words)


def _faults(script: str, statement: str) -> Iterator[str]:
    created = {name for other in _statements(script) for name in _CREATED.findall(other)}
    yield from (what for what, pattern in _ALWAYS.items() if pattern.search(statement))
    target = _ON.search(statement)
    if target is None or (target[1] or target[2]) in created:
        return
    yield from (what for what, pattern in _ON_EXISTING_TABLES.items() if pattern.search(statement))
    for column in _NEW_COLUMN.findall(statement):
        if "not null" in column and not _HAS_VALUE.search(column):
            yield "adds a column that old inserts leave null"
