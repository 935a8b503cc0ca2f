"""Links that mail programs have damaged: what is read, and to whom it leads."""

import string
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hushpost_client import WatchedLink
from hushpost_edge.damaged_link import fold, is_link_path, parse_damaged_link
from hushpost_edge.damaged_lookup import DamagedLookup
from hushpost_edge.link_store import LinkStore
from hushpost_edge.token_header import encode_token
from hushpost_runtime.address_ranges import AddressRanges
from tests.conftest import Clients
from tests.waiting import eventually

from .conftest import URLS, Counts, counts, forwarded_for, send
from .edge_process import EdgeProcess
from .raw_http import get

CAMPAIGN = 1234 << 40 | 987654321
ALPHABET = string.ascii_letters + string.digits + "-_"
# Browsers percent-encode what is not allowed in a path; the HTTP server rejects it otherwise.
APPENDED = (
    *(
        ".",
        ")",
        ",",
        "]",
        ";",
        "*",
        "=",
        "%3E",
        "%20",
        "%0D%0A",
        "/",
        "//x",
        "&utm=x",
        "'",
        "!",
        ":",
    ),
    *("&amp;utm=x", "%E2%80%8B", "%22", "%7C", "%5C", "%C2%A0", "=3D", "%3C/a%3E"),
)


def token_of(campaign: int, rest: bytes = bytes(32), key_id: int = 3) -> str:
    """Return a token of a campaign."""
    return encode_token(bytes((1, key_id)) + campaign.to_bytes(8) + rest)


TOKEN = token_of(CAMPAIGN, bytes(range(32)))


@pytest.fixture
def store(tmp_path: Path) -> LinkStore:
    """A store with one campaign, and others of the same tenant."""
    store = LinkStore(tmp_path / "links.sqlite")
    campaigns = [CAMPAIGN, *(1234 << 40 | number for number in range(1, 500))]
    links = [WatchedLink(campaign_number=each, link_number=1, url=URLS[0]) for each in campaigns]
    store.apply(links, "1", is_complete=True)
    return store


@given(
    st.sampled_from(["/c/", "//c/", "/C/", "/c//", "///C///"]),
    st.sampled_from(["/", "//", "/0", "/00"]),
    st.integers(1, 999_999_999),
    st.text(st.characters(exclude_characters=string.digits, exclude_categories=["Cs"])),
)
def test_a_path_is_read_up_to_its_number(
    start: str, between: str, number: int, appended: str
) -> None:
    """Slashes, case, leading zeros and everything after the number do not matter."""
    path = f"{start}{TOKEN}{between}{number}{appended}"
    link = parse_damaged_link(path)
    assert link is not None
    assert is_link_path(path)
    assert (link.number, link.token and link.token.campaign) == (number, CAMPAIGN)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/c", "/c/", f"/c/{TOKEN}", f"/c/{TOKEN}/", f"/c/{TOKEN}/x1"),
        *(f"/c/{TOKEN}/1234567890", f"/c/{TOKEN}/\u0661", f"/x/c/{TOKEN}/1", f"/cc/{TOKEN}/1"),
    ],
)
def test_a_path_without_token_or_number_is_none(path: str) -> None:
    """A number is guessed neither from other digits nor from part of a longer number."""
    assert parse_damaged_link(path) is None


@pytest.mark.parametrize(
    ("number", "expected"),
    [("0", (1, True)), ("000&x", (1, True)), ("01", (1, False)), ("10", (10, False))],
)
def test_number_0_is_the_trap_link(number: str, expected: tuple[int, bool]) -> None:
    """It leads to the first link. Other numbers may have leading zeros."""
    link = parse_damaged_link(f"/c/{TOKEN}/{number}")
    assert link is not None
    assert (link.number, link.is_trap) == expected


def test_characters_that_are_in_no_token_are_removed() -> None:
    """A token with an inserted line break or soft hyphen is complete."""
    link = parse_damaged_link(f"/c/{TOKEN[:20]}=\r\n{TOKEN[20:40]}\u00ad{TOKEN[40:]}/1")
    assert link is not None
    assert link.token is not None
    assert link.token.raw is not None


@given(st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32), st.integers(0, 255))
def test_the_folded_header_depends_on_the_campaign_alone(
    campaign: int, rest: bytes, key_id: int
) -> None:
    """All tokens of a campaign have the same folded header, in any case."""
    token = token_of(campaign, rest, key_id)
    assert fold(token) == fold(token_of(campaign)) == fold(token.lower()) == fold(token.upper())


@given(
    st.integers(0, 12), st.sampled_from(ALPHABET), st.sampled_from(["lower", "upper", "swapcase"])
)
def test_a_campaign_is_found_despite_case_and_one_wrong_character(
    tmp_path_factory: pytest.TempPathFactory, index: int, character: str, case: str
) -> None:
    """Any character may be damaged, and the case of all of them changed."""
    store = LinkStore(tmp_path_factory.mktemp("links") / "links.sqlite")
    store.apply(
        [WatchedLink(campaign_number=CAMPAIGN, link_number=1, url=URLS[0])], "1", is_complete=True
    )
    damaged = TOKEN[:index] + character + TOKEN[index + 1 :]
    assert store.find_campaign(fold(getattr(damaged, case)())) == CAMPAIGN
    store.close()


@given(st.lists(st.integers(0, 9), min_size=2, max_size=4, unique=True), st.data())
def test_two_wrong_characters_are_too_many(
    tmp_path_factory: pytest.TempPathFactory, indexes: list[int], data: st.DataObject
) -> None:
    """A header that differs in more than one character fits no campaign."""
    store = LinkStore(tmp_path_factory.mktemp("links") / "links.sqlite")
    store.add(CAMPAIGN, 1, URLS[0])
    header = list(fold(TOKEN))
    for index in indexes:
        character = data.draw(st.sampled_from(ALPHABET.lower()))
        assume(character != header[index])
        header[index] = character
    assert store.find_campaign("".join(header)) is None
    store.close()


def test_a_header_that_fits_two_campaigns_fits_none(store: LinkStore) -> None:
    """An ambiguous header redirects to no campaign."""
    header = fold(TOKEN)
    last = header[-1]
    ambiguous = [character for character in ALPHABET.lower() if character != last][:2]
    for character in ambiguous:
        twin = int.from_bytes(
            # The last of the ten characters are the bits 2 to 7 of the number.
            (CAMPAIGN & ~0xFC | ALPHABET_VALUES[character] << 2).to_bytes(8)
        )
        store.add(twin, 1, URLS[1])
    damaged = header[:-1] + next(c for c in ALPHABET.lower() if c not in (last, *ambiguous))
    assert store.find_campaign(damaged) is None
    assert store.find_campaign(header) == CAMPAIGN


ALPHABET_VALUES = {
    character.lower(): value
    for value, character in enumerate(
        string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    )
}


def test_a_network_cannot_try_many_headers(store: LinkStore) -> None:
    """After 120 tries in a minute, a network finds no damaged link; others do, and later it does."""
    now = 0.0
    lookup = DamagedLookup(store, AddressRanges([]), lambda: now)
    header = fold(TOKEN)

    def find(address: str) -> int | None:
        return lookup.find_campaign(header, {"headers": [], "client": (address, 1)})

    for number in range(120):
        assert find(f"192.0.2.{number % 50}") == CAMPAIGN
    assert find("192.0.2.77") is None
    assert find("198.51.100.1") == CAMPAIGN
    now = 61.0
    assert find("192.0.2.77") == CAMPAIGN


def test_a_store_that_fails_finds_nothing(store: LinkStore) -> None:
    """Then the authority is asked for the link, as it is for undamaged ones."""
    lookup = DamagedLookup(store, AddressRanges([]), lambda: 0.0)
    store.close()
    assert lookup.find_campaign(fold(TOKEN), {"headers": [], "client": ("192.0.2.1", 1)}) is None


async def test_damaged_links_redirect(edge: EdgeProcess, clients: Clients) -> None:
    """Every damage redirects to the right link; clicks with a complete token are counted."""
    mailing = await send(clients.sender, ["ann", "bob"])
    token = mailing.tokens["ann"]
    await get(edge.port, f"/c/{mailing.tokens['bob']}/1")  # the campaign is known locally
    complete = [
        *(f"/c/{token}/1{appended}" for appended in APPENDED),
        *(f"//c/{token}/1", f"/c//{token}/1", f"/C/{token}/1", f"/c/{token}/01", f"/c/{token}//1"),
        *(f"/c/{token[:30]}%0D%0A{token[30:]}/1", f"/c/{token}%3D/1"),
    ]
    damaged = [
        *(f"/c/{token.lower()}/1", f"/c/{token.upper()}/1", f"/C/{token.upper()}/1."),
        *(f"/c/{token[:index]}{other(token[index])}{token[index + 1 :]}/1" for index in range(56)),
    ]
    for number, path in enumerate([*complete, *damaged]):
        response = await get(edge.port, path, forwarded_for(f"203.0.{number}.7"))
        found = (response.status, response.headers.get("location"))
        assert found == (302, URLS[0].encode()), path
    await eventually(
        lambda: counts(clients.reporter, mailing),
        Counts(clicks=len(complete) + 1, unique_clicks=2),
    )


def other(character: str) -> str:
    """Return another character of the alphabet, that is not the same in another case."""
    return "8" if character != "8" else "7"


async def test_damaged_pixels_are_served(edge: EdgeProcess, clients: Clients) -> None:
    """A pixel is served however its path is written; opens with a complete token are counted."""
    mailing = await send(clients.sender, ["ann"])
    token = mailing.tokens["ann"]
    for path in (
        f"//o/{token}.gif",
        f"/O/{token}.GIF",
        f"/o//{token}.gif",
        f"/O/{token.lower()}.gif",
    ):
        response = await get(edge.port, path)
        assert (response.status, response.headers["content-type"]) == (200, b"image/gif")
    await eventually(lambda: counts(clients.reporter, mailing), Counts(opens=3))
