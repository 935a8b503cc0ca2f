"""`issue_tokens_per_second`: tokens for known contacts, beside a bare AES-SIV loop."""

import random
import struct
import time
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from bench.child import Say
from bench.load import rate
from bench.results import Figure, Spread, ratios
from bench.scenario import SEED, Shape, request_id
from bench.site import Site
from bench.tenant import Tenant, opened_tenant
from hushpost.v1 import campaign_pb2 as pb
from hushpost.v1.campaign_pb2_grpc import CampaignServiceStub

__all__ = ["measure"]

_SHAPE = Shape(4, 10_000)
_CALLS = 8
_IN_FLIGHT = 1
_ROUNDS = 5
_OPTED_OUT = 0.2
_TIMEOUT = 30


async def measure(site: Site, say: Say) -> list[Figure]:
    """Issue tokens and seal bare ones, turn by turn."""
    rng = random.Random(SEED)
    async with opened_tenant(site, "issuing") as tenant:
        say("making contacts known")
        await tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        await tenant.send("issuing", _SHAPE)
        ours, bare = [], []
        for turn in range(_ROUNDS + 1):
            say(f"round {turn} of {_ROUNDS}")
            rates = await _issued(tenant, rng), _sealed(_CALLS * _SHAPE.messages)
            if turn:  # the first one warms up
                ours.append(rates[0])
                bare.append(rates[1])
        await _check_counted(tenant)
    spread = Spread.of(ours)
    return [
        Figure(
            name="issue_tokens_per_second",
            value=spread.median,
            unit="tokens/s",
            reference=f"bare AES-SIV loop, {Spread.of(bare).median:,.0f} tokens/s",
            ratio=ratios(ours, bare).median,
            low=spread.low,
            high=spread.high,
            rounds=_ROUNDS,
            conditions=f"{_SHAPE.messages:,} known contacts a call, {_IN_FLIGHT} in flight, "
            f"{_OPTED_OUT:.0%} anonymous",
        )
    ]


async def _issued(tenant: Tenant, rng: random.Random) -> float:
    """Return tokens per second."""
    stub = CampaignServiceStub(tenant.channel)
    tokens: set[str] = set()

    async def issue(request: pb.IssueTokensRequest) -> None:
        answer = await stub.IssueTokens(request, metadata=tenant.sender_metadata, timeout=_TIMEOUT)
        answers.append(answer)

    answers: list[pb.IssueTokensResponse] = []
    requests = _requests(rng)
    speed = await rate(issue, requests, _CALLS * _SHAPE.messages, _IN_FLIGHT)
    for answer in answers:
        tokens.update(token.token for token in answer.tokens)
    assert len(tokens) == _CALLS * _SHAPE.messages, "some tokens are missing, or not distinct"
    return speed


def _requests(rng: random.Random) -> list[pb.IssueTokensRequest]:
    groups = list(_SHAPE.contact_ids().items())
    return [
        pb.IssueTokensRequest(
            campaign_id="issuing",
            group_id=groups[call % len(groups)][0],
            contact_ids=groups[call % len(groups)][1],
            request_id=request_id(rng),
        )
        for call in range(_CALLS)
    ]


async def _check_counted(tenant: Tenant) -> None:
    sent = (await tenant.reporter.stats.get_campaign_stats("issuing")).sent
    counted = sent.identified + sent.anonymous
    issued = _SHAPE.groups * _SHAPE.messages + (_ROUNDS + 1) * _CALLS * _SHAPE.messages
    assert counted == issued, f"issued {issued} tokens, counted {counted} messages"


def _sealed(count: int) -> float:
    """Return tokens per second of nothing but sealing."""
    encrypt = AESSIV(AESSIV.generate_key(512)).encrypt
    bodies: Sequence[bytes] = [struct.pack(">QII", n, 1, n) for n in range(count)]
    associated = [bytes(10)]
    start = time.perf_counter()
    for body in bodies:
        encrypt(body, associated)
    return count / (time.perf_counter() - start)
