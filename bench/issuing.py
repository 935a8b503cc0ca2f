"""`issue_…`: tokens for known and for new contacts, beside a bare AES-SIV loop."""

import random
import struct
import time
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from bench.child import Say
from bench.load import rate
from bench.results import Figure, Result, Spread
from bench.scenario import SEED, Shape, request_id
from bench.site import Site
from bench.tenant import Tenant, opened_tenant
from hushpost.v1 import campaign_pb2 as pb
from hushpost.v1.campaign_pb2_grpc import CampaignServiceStub

__all__ = ["measure"]

_SHAPE = Shape(4, 10_000)
_CALLS = 8
_TOKENS = _CALLS * _SHAPE.messages
_IN_FLIGHT = 4
_ROUNDS = 5
_OPTED_OUT = 0.2
_TIMEOUT = 60
_CAMPAIGN = "issuing"


class _Round(NamedTuple):
    """Tokens a second: for known contacts, for new ones, bare."""

    known: float
    new: float
    bare: float

    @property
    def ours(self) -> float:
        """Half for known contacts, half for new ones."""
        return 2 / (1 / self.known + 1 / self.new)


class _Sender:
    """Asks for tokens, and knows how many it got."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._stub = CampaignServiceStub(tenant.channel)
        self._rng = random.Random(SEED)
        self._groups = list(_SHAPE.contact_ids().items())
        self._numbers = count()
        self._issued = 0

    async def prepare(self) -> None:
        """Make the known contacts known."""
        await self._tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        self._issued += len(await self._tenant.send(_CAMPAIGN, _SHAPE))

    async def known(self) -> float:
        """Issue tokens for contacts that had some before; return tokens a second."""
        return await self._rate([self._groups[call % len(self._groups)] for call in range(_CALLS)])

    async def new(self) -> float:
        """Issue tokens for contacts never heard of; return tokens a second."""
        return await self._rate(
            [
                (
                    self._groups[call % len(self._groups)][0],
                    [f"new-{next(self._numbers):09}@example.com" for _ in range(_SHAPE.messages)],
                )
                for call in range(_CALLS)
            ]
        )

    async def check(self) -> None:
        """Make sure that every token was counted as sent, once."""
        sent = (await self._tenant.reporter.stats.get_campaign_stats(_CAMPAIGN)).sent
        counted = sent.identified + sent.anonymous
        assert counted == self._issued, f"issued {self._issued} tokens, counted {counted} messages"

    async def _rate(self, mailing: Sequence[tuple[str, list[str]]]) -> float:
        answers: list[pb.IssueTokensResponse] = []

        async def issue(request: pb.IssueTokensRequest) -> None:
            metadata = self._tenant.sender_metadata
            answers.append(
                await self._stub.IssueTokens(request, metadata=metadata, timeout=_TIMEOUT)
            )

        requests = [
            pb.IssueTokensRequest(
                campaign_id=_CAMPAIGN,
                group_id=group_id,
                contact_ids=contact_ids,
                request_id=request_id(self._rng),
            )
            for group_id, contact_ids in mailing
        ]
        speed = await rate(issue, requests, _TOKENS, _IN_FLIGHT)
        tokens = {token.token for answer in answers for token in answer.tokens}
        assert len(tokens) == _TOKENS, "some tokens are missing, or not distinct"
        self._issued += _TOKENS
        return speed


async def measure(site: Site, say: Say) -> list[Result]:
    """Issue tokens and seal bare ones, turn by turn."""
    async with opened_tenant(site, "issuing") as tenant:
        say("making contacts known")
        sender = _Sender(tenant)
        await sender.prepare()
        rounds = []
        for turn in range(_ROUNDS + 1):
            say(f"round {turn} of {_ROUNDS}")
            rounds.append(_Round(await sender.known(), await sender.new(), _sealed(_TOKENS)))
        await sender.check()
    return _figures(rounds[1:])  # the first one warms up


def _figures(rounds: Sequence[_Round]) -> list[Result]:
    known = [each.known for each in rounds]
    new = [each.new for each in rounds]
    bare = [each.bare for each in rounds]
    reference = f"bare AES-SIV loop, {Spread.of(bare).median:,.0f} tokens/s"
    conditions = (
        f"{_SHAPE.messages:,} contacts a call, {_IN_FLIGHT} calls in flight, "
        f"{Spread.of(known).median:,.0f} tokens/s for known contacts ({_OPTED_OUT:.0%} anonymous), "
        f"{Spread.of(new).median:,.0f} for new ones"
    )
    combined = Figure.of_ratio(
        "issue_vs_siv",
        [each.ours for each in rounds],
        bare,
        reference=reference,
        conditions=f"half for known contacts, half for new ones; {conditions}",
    )
    known_vs_siv = Figure.of_ratio(
        "issue_known_vs_siv", known, bare, reference=reference, conditions=conditions
    )
    speed = Figure.of(
        "issue_tokens_per_second",
        known,
        "tokens/s",
        reference=reference,
        ratio=known_vs_siv.value,
        conditions=conditions,
    )
    return [combined, known_vs_siv, speed]


def _sealed(tokens: int) -> float:
    """Return tokens per second of nothing but sealing bodies of 16 bytes, as tokens have them."""
    encrypt = AESSIV(AESSIV.generate_key(512)).encrypt
    bodies: Sequence[bytes] = [struct.pack(">QII", n, 1, n) for n in range(tokens)]
    associated = [bytes(10)]
    start = time.perf_counter()
    for body in bodies:
        encrypt(body, associated)
    return tokens / (time.perf_counter() - start)
