"""Strategies of hypothesis for HTTP requests: any paths, headers and bytes."""

import re
from urllib.parse import quote_from_bytes

from hypothesis import strategies as st

HEADER_CHARACTERS = 16  # the readable part of a token
QUERY_CHARACTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/?%"
)
MAIL_PROGRAMS = (
    "utm_source=mail&utm_medium=email",
    "fbclid=IwAR0x",
    "mc_cid=1&mc_eid=[UNIQID]",
    "_hsenc=p2ANqtz-_x&_hsmi=1",
    "url=https://evil.example/",
    "?",
    "%",
    "%zz",
    "%0d%0aLocation:%20https://evil.example",
)

PIECES = (
    b"/",
    b"//",
    b"/c/",
    b"/o/",
    b"/p/",
    b"/C/",
    b".gif",
    b"..",
    b"/../",
    b"%2e%2e",
    b"%2f",
    b"%5c",
    b"\\",
    b"%00",
    b"%",
    b"%zz",
    b"%ff",
    b"%ed%a0%80",
    b"%c3%a9",
    b"%0d%0a",
    b"%31",
    b"1",
    b"2",
    b"8",
    b"9",
    b"0",
    b"01",
    b"-1",
    b"+1",
    b"999999999",
    b"4294967297",
    b"@",
    b":",
    b";",
    b"?",
    b"&",
    b"=",
    b"#",
    b"~",
    b".",
    b"A" * 56,
    b"A" * 3_000,
    b"http://",
    b"https://evil.example",
    b"evil.example:443",
    b"*",
    b"healthz",
    b"readyz",
    b"metrics",
    b"\xd9\xa1",
    b"\xff",
)
NUMBERS = (
    *(
        b"1",
        b"2",
        b"8",
        b"9",
        b"0",
        b"01",
        b"008",
        b"-1",
        b"+1",
        b"1.0",
        b"1e0",
        b"0x1",
        b"1_0",
        b"",
    ),
    *(b"%31", b"%2B1", b"%201", b"1%20", b"1%0a", b"1%00", b"%D9%A1", b"%EF%BC%91", b"%C2%B9"),
    *(b"4294967297", b"18446744073709551617", b"9" * 5_000, b"1/", b"1%2f", b"1;2", b"1,2", b"1)"),
)
HEADERS = (
    b"Host: evil.example",
    b"Host: ",
    b"X-Forwarded-For: ",
    b"X-Forwarded-For: 10.0.0.1, ::1, fe80::1%eth0, [::1]:80, 999.1.1.1, \xff",
    b"X-Forwarded-For: " + b"," * 2_000,
    b"X-Forwarded-Host: evil.example",
    b"Forwarded: for=unknown;host=evil.example",
    b"X-Original-URL: https://evil.example/",
    b"User-Agent: ",
    b"User-Agent: " + b"(" * 5_000,
    b"User-Agent: \xff\xfe",
    b"Purpose: prefetch",
    b"Sec-GPC: 1",
    b"DNT: \xff",
    b"Cookie: a=b",
    b"Range: bytes=0-0",
    b"Expect: 100-continue",
    b"Upgrade: h2c",
    b"Upgrade: websocket",
    b"Connection: upgrade",
    b"Content-Length: 0",
    b"Content-Length: -1",
    b"Transfer-Encoding: chunked",
    b"Accept-Encoding: gzip, br",
)
METHODS = (b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PATCH")

quoted = (
    st.binary(max_size=4) | st.text(st.characters(codec="utf-8"), max_size=2).map(str.encode)
).map(lambda value: quote_from_bytes(value).encode())


@st.composite
def damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """Replace a few pieces of a text."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        piece = draw(st.sampled_from(PIECES) | quoted)
        text = text[:at] + piece + text[at + draw(st.integers(0, 3)) :]
    return text


@st.composite
def paths(draw: st.DrawFn, token: bytes) -> bytes:
    """Any path: often that of a link or pixel whose token, number or whole is damaged."""
    readable = token[:HEADER_CHARACTERS]
    tokens = st.sampled_from([token, token, readable, readable + b"A" * 200, b""])
    # Damage behind the readable part still leads to the campaign.
    tails = damaged(token[HEADER_CHARACTERS:]).map(lambda tail: readable + tail)
    text = draw(tokens | tails | damaged(token))
    number = draw(st.sampled_from(NUMBERS) | st.sampled_from(NUMBERS[:3]) | damaged(b"1"))
    link = b"/c/" + text + b"/" + number
    shapes = [link, link, link, link, b"/o/" + text + b".gif", b"/p/" + text, b"http://x" + link]
    path = draw(st.sampled_from(shapes))
    if draw(st.integers(0, 3)) == 0:
        path = draw(damaged(path))
    # These would end the path in the request line.
    return re.sub(rb"[\r\n ]", b"", path)


header_lines = st.lists(
    st.sampled_from(HEADERS)
    | st.binary(max_size=40).map(lambda value: b"X-Any: " + re.sub(rb"[\r\n\0]", b"", value)),
    max_size=5,
)


def request(method: bytes, path: bytes, headers: list[bytes]) -> bytes:
    """Return the bytes of a request."""
    first = method + b" " + path + b" HTTP/1.1"
    return b"\r\n".join([first, b"Host: localhost", *headers, b"Connection: close", b"", b""])


@st.composite
def raw_bytes(draw: st.DrawFn, token: bytes) -> bytes:
    """Any bytes: often those of requests, one after another, with pieces replaced or added."""
    pieces = st.sampled_from(
        [
            b"\r\n",
            b"\n",
            b"\r\n\r\n",
            b" ",
            b"\t",
            b":",
            b"\0",
            b" HTTP/1.1",
            b" HTTP/2.0",
            *HEADERS,
        ]
    )
    pieces = pieces | st.binary(max_size=20) | st.sampled_from(PIECES)
    sent = b"".join(
        request(draw(st.sampled_from(METHODS)), draw(paths(token)), draw(header_lines))
        for _ in range(draw(st.integers(0, 3)))
    )
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(sent)))
        removed = draw(st.sampled_from([0, 0, 1, 2, 5, 50]))
        sent = sent[:at] + draw(pieces) + sent[at + removed :]
    return (
        draw(st.sampled_from([b"", b"", b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01"]))
        + sent
    )


queries = (
    st.lists(st.sampled_from(MAIL_PROGRAMS) | st.text(QUERY_CHARACTERS, max_size=60), max_size=4)
    .map("&".join)
    .map(str.encode)
)
