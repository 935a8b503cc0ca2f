"""Splits SQL scripts into statements."""

import re

__all__ = ["statements"]

_TOKEN = re.compile(
    r"""
    \$(?P<tag>\w*)\$ .*? \$(?P=tag)\$   # a dollar-quoted string, such as the body of a function
    | '[^']*' | "[^"]*"                 # doubled quotes are two strings
    | --[^\n]* | /\*.*?\*/              # comments
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
"""What may contain a semicolon that ends no statement, and one that does."""


def statements(script: str) -> list[str]:
    """Return the statements of a script, with their comments but without semicolons.

    Knows neither escapes (`E'…'`) nor nested comments.
    """
    found, start = [], 0
    for token in _TOKEN.finditer(script):
        if token["end"]:
            found.append(script[start : token.start()].strip())
            start = token.end()
    rest = script[start:].strip()
    return [*found, rest] if rest else found
