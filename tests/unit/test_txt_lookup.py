"""Looking up TXT records: chains, large answers, and DNS servers that fail or lie."""

import time
from collections.abc import AsyncIterator

import dns.message
import dns.rcode
import dns.rrset
import pytest

from hushpost_service.admin import txt_lookup
from hushpost_service.admin.txt_lookup import TxtLookup, TxtLookupError
from hushpost_service.domain.errors import HushpostError, Reason
from tests.dns_server import DnsServer, dns_server

NAME = "_hushpost.links.example.com"
PROOF = "hushpost-domain=1234"


@pytest.fixture
async def server() -> AsyncIterator[DnsServer]:
    """A DNS server."""
    async with dns_server() as running:
        yield running


@pytest.fixture
def lookup(server: DnsServer, monkeypatch: pytest.MonkeyPatch) -> TxtLookup:
    """Looks up with this server, and gives up soon."""
    monkeypatch.setattr(txt_lookup, "_SECONDS", 0.6)
    monkeypatch.setattr(txt_lookup, "_TRY_SECONDS", 0.2)
    return TxtLookup(server.address, time.monotonic)


async def test_texts_are_joined_and_aliases_followed(server: DnsServer, lookup: TxtLookup) -> None:
    """A text of several strings is one; a name may be an alias; others have no texts."""
    server.aliases[NAME] = "records.example.net"
    server.texts["records.example.net"] += ["x" * 300, PROOF]
    assert sorted(await lookup.texts(1, NAME)) == [PROOF, "x" * 300]
    assert await lookup.texts(1, "none.example.com") == []
    server.aliases["dangling.example.com"] = "none.example.net"
    assert await lookup.texts(1, "dangling.example.com") == []


async def test_a_large_answer_comes_by_tcp(server: DnsServer, lookup: TxtLookup) -> None:
    """An answer that does not fit into a datagram is fetched by TCP, and cut to 100 texts."""
    server.texts[NAME] = [PROOF, *(f"{number}" + "x" * 240 for number in range(60))]
    assert PROOF in await lookup.texts(1, NAME)
    assert len(server.queries) == 2
    server.texts[NAME] += [f"{number}" + "y" * 240 for number in range(170)]
    assert len(await lookup.texts(1, NAME)) == 100


def nothing(_query: dns.message.Message, _response: dns.message.Message) -> None:
    """Send nothing."""


def refusal(_query: dns.message.Message, response: dns.message.Message) -> bytes:
    """Fail."""
    response.set_rcode(dns.rcode.SERVFAIL)
    return response.to_wire()


def other_id(_query: dns.message.Message, response: dns.message.Message) -> bytes:
    """Respond to another query, as an attacker does who does not see the query."""
    response.id ^= 1
    return response.to_wire()


def other_question(_query: dns.message.Message, response: dns.message.Message) -> bytes:
    """Respond to another question."""
    other = dns.message.make_response(dns.message.make_query("example.org.", "TXT"))
    other.id = response.id
    other.answer = response.answer
    return other.to_wire()


def garbage(_query: dns.message.Message, response: dns.message.Message) -> bytes:
    """Send what is no message."""
    return response.to_wire()[:-7] + b"\xff" * 900


def alias_loop(_query: dns.message.Message, response: dns.message.Message) -> bytes:
    """Send aliases that lead nowhere."""
    response.answer = [
        dns.rrset.from_text(f"{NAME}.", 60, "IN", "CNAME", "b.example."),
        dns.rrset.from_text("b.example.", 60, "IN", "CNAME", f"{NAME}."),
    ]
    return response.to_wire()


@pytest.mark.parametrize("spoil", [nothing, refusal, other_id, other_question, garbage, alias_loop])
async def test_a_response_that_is_none_fails_in_time(
    server: DnsServer, lookup: TxtLookup, spoil: object
) -> None:
    """A server that is silent, fails or lies ends the look-up with an error."""
    server.texts[NAME] = [PROOF]
    server.spoiled[NAME] = spoil  # type: ignore[assignment] # one of the functions above
    start = time.monotonic()
    with pytest.raises(TxtLookupError):
        await lookup.texts(1, NAME)
    assert time.monotonic() - start < 5


async def test_texts_of_another_name_are_no_answer(server: DnsServer, lookup: TxtLookup) -> None:
    """Records that no alias leads to are ignored."""

    def other_name(_query: dns.message.Message, response: dns.message.Message) -> bytes:
        response.answer = [dns.rrset.from_text("x.example.", 60, "IN", "TXT", PROOF)]
        return response.to_wire()

    server.texts[NAME] = ["to be replaced"]
    server.spoiled[NAME] = other_name
    assert await lookup.texts(1, NAME) == []


async def test_a_tenant_has_one_look_up_a_second(server: DnsServer) -> None:
    """After ten at once, one a second; other tenants do not wait."""
    now = 100.0
    lookup = TxtLookup(server.address, lambda: now)
    for _ in range(10):
        await lookup.texts(1, NAME)
    with pytest.raises(HushpostError) as caught:
        await lookup.texts(1, NAME)
    assert caught.value.reason is Reason.OVERLOADED
    await lookup.texts(2, NAME)
    now += 1.0
    await lookup.texts(1, NAME)
    with pytest.raises(HushpostError):
        await lookup.texts(1, NAME)
