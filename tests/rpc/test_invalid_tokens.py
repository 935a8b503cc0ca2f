"""Tokens that are damaged, forged or of the wrong kind; links that do not exist."""

import base64
from collections.abc import Callable, Iterator

import pytest

from hushpost.v1 import preference_pb2, privacy_pb2, tracking_pb2
from tests.inspection import Connection
from tests.rpc.scenario import (
    EDGE,
    NOT_FOUND,
    Case,
    Request,
    Scenario,
    check_rejected,
    parametrize_cases,
)
from tests.wire import Wire

MakeToken = Callable[[Scenario], str]
"""Makes an invalid token from the valid ones of the scenario."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def decoded(token: str) -> bytearray:
    """Decode a token to its bytes."""
    return bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def encoded(token: bytes | bytearray) -> str:
    """Encode bytes as a token."""
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def flip_bit(token: str, place: int) -> str:
    """Return a token with one bit of the byte at `place` flipped."""
    changed = decoded(token)
    changed[place] ^= 1
    return encoded(changed)


def with_campaign(token: str, number: int) -> str:
    """Return a token with another campaign number in its header."""
    changed = decoded(token)
    changed[2:10] = number.to_bytes(8)
    return encoded(changed)


def _with_header_of(token: str, other: str) -> str:
    return encoded(decoded(other)[:10] + decoded(token)[10:])


def _with_other_padding_bits(token: str) -> str:
    """Return a different text with the same bytes: base64 decoders ignore the last bits."""
    return token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) + 1]


TRACKING_TOKENS: dict[str, MakeToken] = {
    "empty": lambda _: "",
    "short": lambda s: s.token[:-1],
    "long": lambda s: s.token + "A",
    "padded": lambda s: s.token + "====",
    "not base64": lambda _: "!" * 56,
    "not ASCII": lambda _: "ä" * 56,
    "standard alphabet": lambda _: "+/" * 28,
    "zeros": lambda _: "A" * 56,
    "unknown version": lambda s: flip_bit(s.token, 0),
    "no key id": lambda s: flip_bit(s.token, 1),
    "another campaign": lambda s: flip_bit(s.token, 9),
    "another tenant": lambda s: _with_header_of(s.token, s.other_token),
    "no tenant": lambda s: with_campaign(s.token, 1),
    "greatest campaign": lambda s: with_campaign(s.token, 2**64 - 1),
    "damaged tag": lambda s: flip_bit(s.token, 10),
    "damaged body": lambda s: flip_bit(s.token, 41),
    "preference token": lambda s: s.preference_token,
}

PREFERENCE_TOKENS: dict[str, MakeToken] = {
    "empty": lambda _: "",
    "short": lambda s: s.preference_token[:-1],
    "not base64": lambda _: "!" * 46,
    "other padding bits": lambda s: _with_other_padding_bits(s.preference_token),
    "unknown version": lambda s: flip_bit(s.preference_token, 0),
    "another tenant": lambda s: _with_header_of(s.preference_token, s.other_preference_token),
    "damaged body": lambda s: flip_bit(s.preference_token, 33),
    "tracking token": lambda s: s.token,
    "start of a tracking token": lambda s: s.token[:46],
}


def _with_unknown_key(token: str) -> str:
    changed = decoded(token)
    changed[1] = 200
    return encoded(changed)


def _unknown_key(scenario: Scenario) -> str:
    return _with_unknown_key(scenario.token)


def _unknown_preference_key(scenario: Scenario) -> str:
    return _with_unknown_key(scenario.preference_token)


def _open(make_token: MakeToken) -> Request:
    return lambda scenario: tracking_pb2.RecordOpenRequest(token=make_token(scenario))


def _click(make_token: MakeToken, link: int = 1) -> Request:
    return lambda scenario: tracking_pb2.RecordClickRequest(
        token=make_token(scenario), link_number=link
    )


def _set(make_token: MakeToken) -> Request:
    return lambda scenario: preference_pb2.SetPreferenceRequest(
        preference_token=make_token(scenario), do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
    )


def _get(make_token: MakeToken) -> Request:
    return lambda scenario: preference_pb2.GetPreferenceRequest(
        preference_token=make_token(scenario)
    )


def _resolve(make_token: MakeToken, link: int = 1) -> Request:
    return lambda scenario: tracking_pb2.ResolveLinkRequest(
        token=make_token(scenario), link_number=link
    )


def _cases() -> Iterator[Case]:
    for name, make_token in TRACKING_TOKENS.items():
        yield Case(name, "RecordOpen", _open(make_token), "TOKEN_INVALID")
        yield Case(name, "RecordClick", _click(make_token), "TOKEN_INVALID")
    for name, make_token in PREFERENCE_TOKENS.items():
        yield Case(name, "SetPreference", _set(make_token), "TOKEN_INVALID", key=EDGE)
        yield Case(name, "GetPreference", _get(make_token), "TOKEN_INVALID", key=EDGE)
    for name, request in {"RecordOpen": _open, "RecordClick": _click}.items():
        yield Case("unknown key id", name, request(_unknown_key), "TOKEN_KEY_UNKNOWN")
    for name, request in {"SetPreference": _set, "GetPreference": _get}.items():
        make_token = _unknown_preference_key
        yield Case("unknown key id", name, request(make_token), "TOKEN_KEY_UNKNOWN", key=EDGE)
    yield Case(
        "of another tenant",
        "GetPreference",
        _get(lambda s: s.other_preference_token),
        "TOKEN_INVALID",
    )
    for name, make_token in {
        "empty": TRACKING_TOKENS["empty"],
        "preference token": TRACKING_TOKENS["preference token"],
        "too short for its header": lambda s: s.token[:15],
    }.items():
        yield Case(name, "ResolveLink", _resolve(make_token), "TOKEN_INVALID")
    for name in ("another campaign", "no tenant"):
        yield Case(
            name, "ResolveLink", _resolve(TRACKING_TOKENS[name]), "CAMPAIGN_NOT_FOUND", NOT_FOUND
        )


@parametrize_cases(_cases())
async def test_an_invalid_token_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """An invalid token is rejected, by calls that decrypt it with TOKEN_INVALID; nothing is written."""
    await check_rejected(scenario, wire, database, case)


async def test_all_invalid_tokens_get_the_same_response(scenario: Scenario, wire: Wire) -> None:
    """The response does not reveal why a token is invalid; otherwise it would be an oracle."""
    refusals = [
        await wire.refusal(
            "RecordOpen",
            tracking_pb2.RecordOpenRequest(token=make_token(scenario)),
            scenario.keys[EDGE],
        )
        for make_token in TRACKING_TOKENS.values()
    ]
    assert all(refusal == refusals[0] for refusal in refusals)


@pytest.mark.parametrize("cut", [16, 17, 30, 55])
async def test_a_link_resolves_by_the_unencrypted_part_of_its_token(
    scenario: Scenario, wire: Wire, cut: int
) -> None:
    """A link resolves even if a mail program truncated its token or changed its sealed part."""
    for token in (scenario.token[:cut], scenario.token[:cut] + "!" * (56 - cut)):
        request = tracking_pb2.ResolveLinkRequest(token=token, link_number=1)
        response = await wire.call("ResolveLink", request, scenario.keys[EDGE])
        assert response.url == "https://shop.example.com/sale"


def _links() -> Iterator[Case]:
    for link in (0, -1, -(2**31), 3, 2**31 - 1):
        name = f"link {link}"
        yield Case(
            name,
            "RecordClick",
            _click(lambda s: s.token, link),
            "LINK_NOT_FOUND",
            NOT_FOUND,
        )
        yield Case(
            name, "ResolveLink", _resolve(lambda s: s.token, link), "LINK_NOT_FOUND", NOT_FOUND
        )


@parametrize_cases(_links())
async def test_an_unknown_link_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """A link number that the campaign does not have is neither recorded nor resolved."""
    await check_rejected(scenario, wire, database, case)
