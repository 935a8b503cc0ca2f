"""`issue_…`: throughput of `IssueTokens` for known and new contacts, next to bare AES-SIV."""

import random
import struct
import time
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from bench.authority import Authority
from bench.child_process import ReportProgress
from bench.load.closed_loop import measure_throughput
from bench.results import Figure, Result, Spread, ratios
from bench.scenario import SEED, MailingShape, request_id
from bench.tenant import Tenant, create_tenant
from hushpost.v1 import campaign_pb2 as pb
from hushpost.v1.campaign_pb2_grpc import CampaignServiceStub

__all__ = ["measure"]

_SHAPE = MailingShape(4, 10_000)
_CALLS = 8
_TOKENS = _CALLS * _SHAPE.messages
_IN_FLIGHT = 4
_ROUNDS = 5
_OPTED_OUT = 0.2
_TIMEOUT = 60


class _Round(NamedTuple):
    """Tokens per second for known contacts, for new contacts, and of the AES-SIV loop."""

    known: float
    new: float
    bare: float

    @property
    def half_known_half_new(self) -> float:
        """Tokens per second of a mix in equal parts."""
        return 2 / (1 / self.known + 1 / self.new)


class _TokenRequests:
    """Calls `IssueTokens` and checks that each token is counted as sent."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._stub = CampaignServiceStub(tenant.channel)
        self._rng = random.Random(SEED)
        self._groups = list(_SHAPE.contact_ids().items())
        self._numbers = count()
        self._campaigns: list[str] = []

    async def create_known_contacts(self) -> None:
        """Issue the first tokens to the contacts of `issue_for_known`."""
        await self._tenant.opt_out(_SHAPE.opted_out(_OPTED_OUT))
        await self._tenant.send_campaign("first", _SHAPE)

    async def issue_for_known(self) -> float:
        """Issue tokens of new campaigns to known contacts; return tokens per second."""
        return await self._issue([self._groups[call % len(self._groups)] for call in range(_CALLS)])

    async def issue_for_new(self) -> float:
        """Issue tokens for contacts that the authority has never seen; return tokens per second."""
        return await self._issue(
            [
                (
                    self._groups[call % len(self._groups)][0],
                    [f"new-{next(self._numbers):09}@example.com" for _ in range(_SHAPE.messages)],
                )
                for call in range(_CALLS)
            ]
        )

    async def check(self) -> None:
        """Assert that every token was counted as sent exactly once."""
        for campaign_id in self._campaigns:
            sent = (await self._tenant.reporter.stats.get_campaign_stats(campaign_id)).sent
            counted = sent.identified + sent.anonymous
            assert counted == _SHAPE.total_messages, f"counted {counted} messages"

    async def _issue(self, contacts_by_call: Sequence[tuple[str, list[str]]]) -> float:
        responses: list[pb.IssueTokensResponse] = []

        async def issue(request: pb.IssueTokensRequest) -> None:
            metadata = self._tenant.sender_metadata
            responses.append(
                await self._stub.IssueTokens(request, metadata=metadata, timeout=_TIMEOUT)
            )

        # A contact gets one token of its own in a campaign.
        campaigns = [
            f"campaign-{len(self._campaigns) + number}"
            for number in range(_TOKENS // _SHAPE.total_messages)
        ]
        for campaign_id in campaigns:
            await self._tenant.create_campaign(campaign_id, _SHAPE)
        self._campaigns += campaigns
        requests = [
            pb.IssueTokensRequest(
                campaign_id=campaigns[call // _SHAPE.groups],
                group_id=group_id,
                contact_ids=contact_ids,
                request_id=request_id(self._rng),
            )
            for call, (group_id, contact_ids) in enumerate(contacts_by_call)
        ]
        throughput = await measure_throughput(issue, requests, _TOKENS, _IN_FLIGHT)
        tokens = {token.token for response in responses for token in response.tokens}
        assert len(tokens) == _TOKENS, "tokens are missing or duplicated"
        return throughput


async def measure(authority: Authority, report_progress: ReportProgress) -> list[Result]:
    """Issue tokens, then encrypt as many plaintexts, in turn."""
    async with create_tenant(authority, "issuing") as tenant:
        report_progress("creating known contacts")
        requests = _TokenRequests(tenant)
        await requests.create_known_contacts()
        rounds = []
        for number in range(_ROUNDS + 1):
            report_progress(f"round {number} of {_ROUNDS}")
            rounds.append(
                _Round(
                    await requests.issue_for_known(),
                    await requests.issue_for_new(),
                    _measure_aes_siv(_TOKENS),
                )
            )
        await requests.check()
    return _figures(rounds[1:])  # round 0 warms up


def _figures(rounds: Sequence[_Round]) -> list[Result]:
    known = [each.known for each in rounds]
    new = [each.new for each in rounds]
    bare = [each.bare for each in rounds]
    reference = f"bare AES-SIV loop, {Spread.of(bare).median:,.0f} tokens/s"
    conditions = f"{_SHAPE.messages:,} contacts per call, {_IN_FLIGHT} calls in flight"
    combined = Figure.of_ratio(
        "issue_vs_siv",
        [each.half_known_half_new for each in rounds],
        bare,
        reference=reference,
        conditions=f"{Spread.of(known).median:,.0f} tokens/s for known contacts "
        f"({_OPTED_OUT:.0%} anonymous), {Spread.of(new).median:,.0f} for new ones; {conditions}",
    )
    per_second = Figure.of(
        "issue_tokens_per_second",
        known,
        "tokens/s",
        reference=reference,
        ratio=ratios(known, bare).median,
        conditions=f"{_OPTED_OUT:.0%} anonymous; {conditions}",
    )
    return [combined, per_second]


def _measure_aes_siv(tokens: int) -> float:
    """Encrypt plaintexts of 16 bytes, as in tokens; return tokens per second."""
    encrypt = AESSIV(AESSIV.generate_key(512)).encrypt
    plaintexts = [struct.pack(">QII", n, 1, n) for n in range(tokens)]
    associated_data = [bytes(10)]
    start = time.perf_counter()
    for plaintext in plaintexts:
        encrypt(plaintext, associated_data)
    return tokens / (time.perf_counter() - start)
