"""What tokens get that do not open, and tokens of the wrong kind."""

import base64
from collections.abc import Callable, Iterator

import pytest

from hushpost.v1 import preference_pb2, privacy_pb2, tracking_pb2
from tests.inspection import Connection
from tests.rpc.scene import EDGE, NOT_FOUND, Case, Request, Scene, check_refused, each
from tests.wire import Wire

Spoil = Callable[[Scene], str]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def raw(token: str) -> bytearray:
    """Return the bytes of a token."""
    return bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))


def text(token: bytes | bytearray) -> str:
    """Return the token that has these bytes."""
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def flipped(token: str, place: int) -> str:
    """Return a token with one bit changed."""
    changed = raw(token)
    changed[place] ^= 1
    return text(changed)


def with_campaign(token: str, number: int) -> str:
    """Return a token with another campaign number in its header."""
    changed = raw(token)
    changed[2:10] = number.to_bytes(8)
    return text(changed)


def _with_header_of(token: str, other: str) -> str:
    return text(raw(other)[:10] + raw(token)[10:])


def _respelled(token: str) -> str:
    """Return another spelling of a token's bytes, by the bits that a decoder ignores."""
    return token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) + 1]


TRACKING_TOKENS: dict[str, Spoil] = {
    "empty": lambda _: "",
    "short": lambda s: s.token[:-1],
    "long": lambda s: s.token + "A",
    "padded": lambda s: s.token + "====",
    "not base64": lambda _: "!" * 56,
    "not ASCII": lambda _: "ä" * 56,
    "standard alphabet": lambda _: "+/" * 28,
    "zeros": lambda _: "A" * 56,
    "unknown version": lambda s: flipped(s.token, 0),
    "unknown key id": lambda s: flipped(s.token, 1),
    "another campaign": lambda s: flipped(s.token, 9),
    "another tenant": lambda s: _with_header_of(s.token, s.other_token),
    "no tenant": lambda s: with_campaign(s.token, 1),
    "greatest campaign": lambda s: with_campaign(s.token, 2**64 - 1),
    "damaged tag": lambda s: flipped(s.token, 10),
    "damaged body": lambda s: flipped(s.token, 41),
    "preference token": lambda s: s.preference_token,
}

PREFERENCE_TOKENS: dict[str, Spoil] = {
    "empty": lambda _: "",
    "short": lambda s: s.preference_token[:-1],
    "not base64": lambda _: "!" * 46,
    "another spelling": lambda s: _respelled(s.preference_token),
    "unknown version": lambda s: flipped(s.preference_token, 0),
    "unknown key id": lambda s: flipped(s.preference_token, 1),
    "another tenant": lambda s: _with_header_of(s.preference_token, s.other_preference_token),
    "damaged body": lambda s: flipped(s.preference_token, 33),
    "tracking token": lambda s: s.token,
    "start of a tracking token": lambda s: s.token[:46],
}


def _open(spoil: Spoil) -> Request:
    return lambda scene: tracking_pb2.RecordOpenRequest(token=spoil(scene))


def _click(spoil: Spoil, link: int = 1) -> Request:
    return lambda scene: tracking_pb2.RecordClickRequest(token=spoil(scene), link_number=link)


def _set(spoil: Spoil) -> Request:
    return lambda scene: preference_pb2.SetPreferenceRequest(
        preference_token=spoil(scene), do_not_track=privacy_pb2.DO_NOT_TRACK_TRUE
    )


def _get(spoil: Spoil) -> Request:
    return lambda scene: preference_pb2.GetPreferenceRequest(preference_token=spoil(scene))


def _resolve(spoil: Spoil, link: int = 1) -> Request:
    return lambda scene: tracking_pb2.ResolveLinkRequest(token=spoil(scene), link_number=link)


def _cases() -> Iterator[Case]:
    for name, spoil in TRACKING_TOKENS.items():
        yield Case(name, "RecordOpen", _open(spoil), "TOKEN_INVALID")
        yield Case(name, "RecordClick", _click(spoil), "TOKEN_INVALID")
    for name, spoil in PREFERENCE_TOKENS.items():
        yield Case(name, "SetPreference", _set(spoil), "TOKEN_INVALID", key=EDGE)
        yield Case(name, "GetPreference", _get(spoil), "TOKEN_INVALID", key=EDGE)
    yield Case(
        "of another tenant",
        "GetPreference",
        _get(lambda s: s.other_preference_token),
        "TOKEN_INVALID",
    )
    for name, spoil in {
        "empty": TRACKING_TOKENS["empty"],
        "preference token": TRACKING_TOKENS["preference token"],
        "too short for its header": lambda s: s.token[:15],
    }.items():
        yield Case(name, "ResolveLink", _resolve(spoil), "TOKEN_INVALID")
    for name in ("another campaign", "no tenant"):
        yield Case(
            name, "ResolveLink", _resolve(TRACKING_TOKENS[name]), "CAMPAIGN_NOT_FOUND", NOT_FOUND
        )


@each(_cases())
async def test_a_token_that_does_not_open_is_refused(
    scene: Scene, wire: Wire, database: Connection, case: Case
) -> None:
    """Whatever is wrong with a token, the answer is the same, and nothing is written."""
    await check_refused(scene, wire, database, case)


async def test_refusals_of_tokens_cannot_be_told_apart(scene: Scene, wire: Wire) -> None:
    """No word of an answer tells why a token did not open: it would be an oracle."""
    refusals = [
        await wire.refusal(
            "RecordOpen", tracking_pb2.RecordOpenRequest(token=spoil(scene)), scene.keys[EDGE]
        )
        for spoil in TRACKING_TOKENS.values()
    ]
    assert all(refusal == refusals[0] for refusal in refusals)


@pytest.mark.parametrize("cut", [16, 17, 30, 55])
async def test_a_link_resolves_by_the_clear_part_of_its_token(
    scene: Scene, wire: Wire, cut: int
) -> None:
    """A link works although a mail program cut its token short or changed its sealed part."""
    for token in (scene.token[:cut], scene.token[:cut] + "!" * (56 - cut)):
        request = tracking_pb2.ResolveLinkRequest(token=token, link_number=1)
        answer = await wire.call("ResolveLink", request, scene.keys[EDGE])
        assert answer.url == "https://shop.example.com/sale"


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


@each(_links())
async def test_an_unknown_link_is_refused(
    scene: Scene, wire: Wire, database: Connection, case: Case
) -> None:
    """A number that no link of the campaign has is neither recorded nor resolved."""
    await check_refused(scene, wire, database, case)
