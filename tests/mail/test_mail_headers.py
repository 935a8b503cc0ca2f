"""`Mail.with_headers`: what a header looks like on the wire."""

import email
import email.policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hushpost_mail import Mail

MAIL = Mail(b"Subject: x\r\nlist-unsubscribe: <https://example.com/old>\r\n", b"body\r\n")
LONG_URL = "https://example.com/leave/" + "x" * 120


def lines(mail: Mail) -> list[bytes]:
    """Return the lines of the header section."""
    return mail.header.splitlines()


def test_a_long_word_keeps_its_line() -> None:
    """A URL of any length is written as it is: RFC 2047 does not allow to encode it."""
    mail = MAIL.with_headers({"List-Unsubscribe": f"<{LONG_URL}>"})
    assert lines(mail) == [b"List-Unsubscribe: <%s>" % LONG_URL.encode(), b"Subject: x"]


def test_a_long_value_is_folded_at_white_space() -> None:
    """Lines have at most 78 characters where white space allows it."""
    value = ",  ".join(f"<mailto:leave-{number}@example.com>" for number in range(6))
    mail = MAIL.with_headers({"List-Unsubscribe": value})
    folded = lines(mail)[:-1]
    assert len(folded) == 3
    assert max(map(len, folded)) <= 78
    assert b"".join(folded) == b"List-Unsubscribe: " + value.encode()


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.just("\t"), max_size=300))
def test_ascii_values_are_written_verbatim(value: str) -> None:
    """Unfolding returns the value, for every ASCII value."""
    mail = Mail(b"", b"").with_headers({"X-Value": value})
    assert (
        mail.header.replace(b"\r\n", b"").removeprefix(b"X-Value:").strip()
        == value.strip().encode()
    )
    assert all(line.startswith((b"X-Value:", b" ", b"\t")) and line.strip() for line in lines(mail))


def test_other_values_are_encoded() -> None:
    """A value that is not ASCII becomes encoded words."""
    subject = " ".join(["Grüße"] * 30)
    mail = MAIL.with_headers({"Subject": subject})
    assert mail.header.isascii()
    message = email.message_from_bytes(bytes(mail), policy=email.policy.default)
    assert message["Subject"] == subject


def test_one_click_unsubscribe_sets_both_headers() -> None:
    """RFC 8058: the URL alone in angle brackets, and the header that allows the POST."""
    mail = MAIL.with_headers({"To": "ada@example.com"}, one_click_unsubscribe=LONG_URL)
    assert lines(mail) == [
        b"To: ada@example.com",
        b"List-Unsubscribe: <%s>" % LONG_URL.encode(),
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        b"Subject: x",
    ]


@pytest.mark.parametrize(
    "url", ["http://example.com/", "mailto:a@example.com", "https://example.com/ü", "https://a,b"]
)
def test_one_click_unsubscribe_needs_an_https_url(url: str) -> None:
    """RFC 8058 requires https; characters that end the URL in the header are refused."""
    with pytest.raises(ValueError, match="https"):
        MAIL.with_headers({}, one_click_unsubscribe=url)


@pytest.mark.parametrize(
    "value", ["7\r\nBcc: all@example.com", "7\nx", "7\x00", "7\x7f", "x" * 999]
)
def test_a_value_that_would_break_the_message_is_refused(value: str) -> None:
    """Line breaks, control characters and words beyond the limit of SMTP raise an error."""
    with pytest.raises(ValueError, match="X-Run"):
        MAIL.with_headers({"X-Run": value})


@pytest.mark.parametrize("name", ["", "X Run", "X:", "Ü", "X\r\nBcc"])
def test_an_invalid_name_is_refused(name: str) -> None:
    """The name of a header is printable ASCII without a colon."""
    with pytest.raises(ValueError, match="name of a header"):
        MAIL.with_headers({name: "x"})
