"""Recognizes placeholders (merge fields) of other systems, which are filled in later.

A link with a placeholder must not be registered: everyone would be redirected to the
placeholder itself. A URL that is taken for one by mistake stays as it is and is not tracked.
"""

import re

__all__ = ["has_placeholder", "looks_like_placeholder", "placeholder_ranges"]

_NAME = r"[A-Za-z_][\w.:-]*"
# A path segment or a value of the query.
_WHOLE_START, _WHOLE_END = r"(?<=[=/])", r"(?=[&/?#]|\Z)"

_PLACEHOLDER = re.compile(
    "|".join(
        (
            # None of these is valid in a URL, except their percent-encoded forms, which HTML
            # editors write into an href.
            r"\{|%7B%7B|\$%7B|%24%7B|%7B%25",
            r"<[%?#$]|%3C%25",
            r"\*\||\*%7C|%2A%7C",
            r"\[\[|%5B%5B",
            rf"%%{_NAME}%%|%%\[|%%=|%25%25{_NAME}%25%25",
            r"##|@@\w+@@|%40%40\w+%40%40",
            rf"\${_NAME}\$|%24{_NAME}%24",
            # %EMAIL%: one of the signs does not begin a percent-encoded byte.
            rf"%(?![0-9A-F]{{2}}){_NAME}%|%[A-Za-z_]\w*%(?![0-9A-F]{{2}})",
            # [EMAIL], but neither the index of an array nor an IPv6 address.
            rf"(?<![\w\]])(?<!//)\[{_NAME}\](?!=)",
            rf"{_WHOLE_START}(?:-[A-Za-z]\w*-|\|{_NAME}\||%7C{_NAME}%7C|%25{_NAME}%25){_WHOLE_END}",
        )
    ),
    re.IGNORECASE,
)

# Values that are often names of fields: "=EMAIL", "=FIRST_NAME", "=subscriber_id".
_SUSPICIOUS = re.compile(
    r"=(?:[A-Z]{2,}(?:_[A-Z]+)+|E-?MAIL|UNIQID|[Ss]ubscriber_?(?:id|email)|#\w+#)(?=&|\Z)"
    r"|[\[\]]|\$[A-Za-z_]|\|[A-Z_]+\||%5B[A-Z_]+%5D"
)
_HOST_OR_INDEX = re.compile(r"//\[[0-9A-Fa-f:.]+\]|(?:\[\w*\])+=")

# Fields that can contain other text. Between the same delimiters, the shortest counts.
_FIELDS = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|\$\{.*?\}|<%.*?%>|\*\|.*?\|\*|\[\[.*?\]\]|%%\[.*?\]%%|%%=.*?=%%",
    re.DOTALL,
)


def has_placeholder(text: str) -> bool:
    """Return whether a URL or word contains a placeholder of another system."""
    return bool(_PLACEHOLDER.search(text))


def looks_like_placeholder(url: str) -> bool:
    """Return whether a URL contains what may be a placeholder, and may be not."""
    return bool(_SUSPICIOUS.search(_HOST_OR_INDEX.sub("", url)))


def placeholder_ranges(text: str) -> list[tuple[int, int]]:
    """Return where the placeholders of a text are, which may extend over lines."""
    return [found.span() for found in _FIELDS.finditer(text)]
