"""The scanner of MIME messages finds the parts that the `email` package finds."""

import email
from email.message import Message

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hushpost_mail._mime_structure import find_text_parts

# Not a delimiter alone: the email package skips what follows two of them in a row.
LINES = st.lists(
    st.sampled_from(["", "text", "-- ", "--b2", "--bx--", " --b", "--b-", "b", " x", "a: b"]),
    max_size=4,
).map("\r\n".join)
TYPES = st.sampled_from(
    ["", "text/plain", "TEXT/HTML; charset=utf-8", "text/plain; name=a.txt", "image/png", "broken"]
)


def leaf(content_type: str, headers: str, content: str) -> str:
    """Return a part that contains no other."""
    header = f"Content-Type: {content_type}\r\n" if content_type else ""
    return f"{header}{headers}\r\n{content}"


def multipart(subtype: str, boundary: str, preamble: str, parts: list[str], end: str) -> str:
    """Return a multipart."""
    quoted = f'"{boundary}"' if boundary == "b1" else boundary
    delimited = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f"Content-Type: multipart/{subtype};\r\n boundary={quoted}\r\n\r\n{preamble}{delimited}{end}"


LEAVES = st.builds(
    leaf,
    TYPES,
    st.sampled_from(["", "Content-Disposition: attachment\r\n", "X: 1\r\n 2\r\n"]),
    LINES,
)
SUBTYPES = st.sampled_from(["mixed", "alternative", "digest"])
PREAMBLES = st.sampled_from(["", "preamble\r\n"])


def messages(boundary: str, parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return a strategy of multiparts with a boundary."""
    ends = st.sampled_from(
        ["", f"--{boundary}--", f"--{boundary}--\r\nepilogue\r\n--{boundary}\r\n"]
    )
    lists = st.lists(parts, max_size=3)
    return st.builds(multipart, SUBTYPES, st.just(boundary), PREAMBLES, lists, ends)


MESSAGES = messages("b", st.one_of(LEAVES, messages("b1", LEAVES)))


def readable(message: Message) -> list[tuple[str, bytes]]:
    """Return the types and contents of the parts that readers see, by the `email` package."""
    if message.get_content_maintype() == "multipart":
        parts = message.get_payload()
        return [found for part in parts if isinstance(part, Message) for found in readable(part)]
    if (
        message.get_content_type() not in ("text/html", "text/plain")
        or message.get_content_disposition() == "attachment"
        or message.get_filename() is not None
    ):
        return []
    return [(message.get_content_type(), str(message.get_payload()).encode())]


@settings(max_examples=500, deadline=None)
@example(message="")
@example(message="\r\n--b\r\n")
@example(message="no header\r\n\r\ntext")
@given(message=MESSAGES)
def test_parts_are_those_of_the_email_package(message: str) -> None:
    """Types and contents agree, also with missing, similar and repeated delimiters."""
    source = message.encode()
    expected = readable(email.message_from_bytes(source))
    found = [
        (part.headers.get_content_type(), source[part.start : part.end])
        for part in find_text_parts(source)
    ]
    # The email package drops line ends before a delimiter that is missing.
    assert [(kind, text.rstrip(b"\r\n")) for kind, text in found] == [
        (kind, text.rstrip(b"\r\n")) for kind, text in expected
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"Content-Type: multipart/mixed; boundary=b"])
)
def test_any_bytes_have_a_structure(noise: bytes, header: bytes) -> None:
    """No bytes raise an error, and parts are in order within the message."""
    source = header + b"\r\n" + noise
    edges = [edge for part in find_text_parts(source) for edge in (part.start, part.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(source) for edge in edges)


@pytest.mark.parametrize("header", [b"Content-Type : text/html", b"content-type:text/html"])
def test_headers_may_have_white_space_before_the_colon(header: bytes) -> None:
    """The obsolete syntax of RFC 5322 is read."""
    parts = find_text_parts(header + b"\r\n\r\n<p>")
    assert [part.is_html for part in parts] == [True]


def test_deeply_nested_parts_are_not_followed() -> None:
    """A message that nests a thousand parts does not exhaust the stack."""
    source = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth)
        for depth in range(1000)
    )
    assert find_text_parts(source) == []
