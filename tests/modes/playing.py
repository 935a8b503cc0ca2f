"""Plays a story to the authority and to the model alike, and compares what both say."""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hushpost.v1 import admin_pb2, campaign_pb2, preference_pb2, stats_pb2, tracking_pb2
from tests.modes.model import Mode, Model, Place, Policy, State, Token
from tests.wire import Wire

GROUP = "readers"
LINKS = ("https://shop.example.com/1", "https://shop.example.com/2")
HUMAN, SCANNER = 1, 4
ANONYMIZE, KEEP = 1, 2


@dataclass(frozen=True)
class Keys:
    """Keys of a tenant that a story is played with."""

    tenant_id: str
    admin: str
    sender: str
    reporter: str
    edge: str


@dataclass
class Play:
    """A story under way. `now` is the latest time that events are given."""

    wire: Wire
    keys: Keys
    now: datetime
    model: Model
    tokens: list[tuple[str, Token]] = field(default_factory=list)

    async def set_preference(self, name: str, state: State, *, keep: bool | None) -> None:
        """Set a preference."""
        history = 0 if keep is None else KEEP if keep else ANONYMIZE
        answer = await self.wire.call(
            "SetPreference",
            preference_pb2.SetPreferenceRequest(
                contact_id=name,
                do_not_track=int(state),  # type: ignore[arg-type] # numbered as on the wire
                history=history,  # type: ignore[arg-type] # as above
            ),
            self.keys.sender,
        )
        self.model.set_preference(name, state, keep=keep)
        assert answer.preference.do_not_track == state
        assert answer.preference.mode == self.model.policy.mode(state)

    async def update_policy(self, policy: Policy) -> None:
        """Put a policy in force, and wait until what it promises is done."""
        request = admin_pb2.UpdatePolicyRequest(policy=policy_message(policy))
        request.update_mask.paths.extend(
            ("anonymization_enabled", "mode_when_true", "mode_when_unset", "history_when_true")
        )
        answer = await self.wire.call("UpdatePolicy", request, self.keys.admin)
        self.model.update_policy(policy)
        while answer.tenant.HasField("folding"):
            answer = await self.wire.call(
                "GetTenant", admin_pb2.GetTenantRequest(), self.keys.admin
            )

    async def create_campaign(self) -> None:
        """Create a campaign, named by its number in the model."""
        number = len(self.model.created)
        await self.wire.call(
            "CreateCampaign",
            campaign_pb2.CreateCampaignRequest(
                campaign_id=str(number),
                links=[campaign_pb2.Link(url=url) for url in LINKS],
                groups=[campaign_pb2.Group(group_id=GROUP)],
            ),
            self.keys.sender,
        )
        self.model.create_campaign()

    async def issue(self, campaign: int, name: str) -> None:
        """Send a message."""
        answer = await self.wire.call(
            "IssueTokens",
            campaign_pb2.IssueTokensRequest(
                campaign_id=str(campaign), group_id=GROUP, contact_ids=[name]
            ),
            self.keys.sender,
        )
        token = self.model.issue(campaign, name)
        issued = answer.tokens[0]
        assert issued.mode == token.mode
        assert bool(issued.token) is (token.mode is not Mode.OFF)
        if issued.token:
            self.tokens.append((issued.token, token))

    async def record(
        self, number: int, signal: int, hours_ago: int, *, machine: bool, gpc: bool
    ) -> None:
        """Record an event on one of the messages sent, if any was."""
        if not self.tokens:
            return
        sealed, token = self.tokens[number % len(self.tokens)]
        time = self.now - timedelta(hours=hours_ago)
        verdict: Any = SCANNER if machine else HUMAN
        if signal:
            request = tracking_pb2.RecordClickRequest(
                token=sealed, link_number=signal, verdict=verdict, privacy_signal=gpc
            )
            request.click_time.FromDatetime(time)
            answer = await self.wire.call("RecordClick", request, self.keys.edge)
            assert answer.url == LINKS[signal - 1], "a link leads on, whatever the mode"
        else:
            opened = tracking_pb2.RecordOpenRequest(
                token=sealed, verdict=verdict, privacy_signal=gpc
            )
            opened.open_time.FromDatetime(time)
            await self.wire.call("RecordOpen", opened, self.keys.edge)
        hour = int(time.timestamp()) // 3600
        self.model.record(token, signal, hour, machine=machine, gpc=gpc)

    async def erase(self, name: str) -> None:
        """Forget a contact."""
        request = preference_pb2.EraseContactRequest(contact_id=name)
        await self.wire.call("EraseContact", request, self.keys.sender)
        self.model.erase(name)

    async def compare(self) -> None:
        """Check every number of every campaign, and who is known to have engaged."""
        for campaign in range(len(self.model.created)):
            asked = stats_pb2.GetCampaignStatsRequest(campaign_id=str(campaign))
            answer = await self.wire.call("GetCampaignStats", asked, self.keys.reporter)
            assert answered(answer.stats) == expected(self.model, campaign)
            listed = await self.wire.call(
                "ListEngagedContacts",
                stats_pb2.ListEngagedContactsRequest(campaign_id=str(campaign)),
                self.keys.reporter,
            )
            names = {contact.contact_id for contact in listed.contacts}
            kept = self.model.kept(campaign)
            assert names - kept == self.model.engaged(campaign) - kept
        shared: dict[int, str] = {}
        for sealed, token in self.tokens:
            if token.mode is Mode.AGGREGATE:
                assert shared.setdefault(token.campaign, sealed) == sealed
        assert len({sealed for sealed, _ in self.tokens}) == len(shared) + sum(
            token.mode is not Mode.AGGREGATE for _, token in self.tokens
        )


Numbers = dict[str, int]
"""Numbers by name, without those that are 0."""


def answered(stats: stats_pb2.CampaignStats) -> Numbers:
    """Return the numbers that the authority told."""
    numbers: Counter[str] = Counter()
    for mode in Mode:
        numbers[f"sent {mode.name}"] = getattr(stats.sent, mode.name.lower())
    _add(numbers, "opens", stats.opens)
    _add(numbers, "clicks", stats.clicks)
    (group,) = stats.groups
    assert (group.sent, group.opens, group.clicks) == (stats.sent, stats.opens, stats.clicks)
    for link in stats.links:
        _add(numbers, f"link {link.link_number}", link.clicks)
    for hour in stats.hours:
        start = hour.start_time.seconds // 3600
        for name, signal in (("opens", hour.opens), ("clicks", hour.clicks)):
            for machine in (False, True):
                known = (signal.machine if machine else signal.human).identified
                numbers[f"{name} {machine} hour {start} total"] += known.total
                numbers[f"{name} {machine} hour {start} unique"] += known.unique
    return +numbers


def expected(model: Model, campaign: int) -> Numbers:
    """Return the numbers that the model knows."""
    numbers: Counter[str] = Counter()
    for mode in Mode:
        numbers[f"sent {mode.name}"] = model.sent[campaign, mode]
    for name, signals in _NAMES.items():
        for machine in (False, True):
            places = [Place(campaign, signal, machine) for signal in signals]
            rows = [row for row in model.rows if row.place in places]
            seen = [model.seen.get(place, set()) for place in places]
            numbers[f"{name} {machine} identified total"] = len(rows)
            numbers[f"{name} {machine} identified unique"] = len({row.slot for row in rows})
            numbers[f"{name} {machine} anonymous total"] = sum(model.anonymous[p] for p in places)
            numbers[f"{name} {machine} anonymous unique"] = len(set().union(*seen))
            numbers[f"{name} {machine} aggregate total"] = sum(model.aggregate[p] for p in places)
            if name in ("opens", "clicks"):
                for row in rows:
                    numbers[f"{name} {machine} hour {row.hour} total"] += 1
                    numbers[f"{name} {machine} hour {row.hour} unique"] += row.is_first
    return +numbers


_NAMES = {"opens": (0,), "clicks": (1, 2), "link 1": (1,), "link 2": (2,)}


def _add(numbers: Counter[str], name: str, signal: stats_pb2.SignalStats) -> None:
    for machine in (False, True):
        part = signal.machine if machine else signal.human
        assert not part.held_back, "exact numbers are not behind"
        for mode in ("identified", "anonymous", "aggregate"):
            numbers[f"{name} {machine} {mode} total"] = getattr(part, mode).total
            numbers[f"{name} {machine} {mode} unique"] = getattr(part, mode).unique


def policy_message(policy: Policy) -> admin_pb2.Policy:
    """Return a policy as it goes over the wire, with exact numbers."""
    return admin_pb2.Policy(
        anonymization_enabled=policy.enabled,
        mode_when_true=int(policy.when_true),  # type: ignore[arg-type] # numbered as on the wire
        mode_when_unset=int(policy.when_unset),  # type: ignore[arg-type] # as above
        history_when_true=KEEP if policy.keep else ANONYMIZE,  # type: ignore[arg-type] # as above
        quorum=1,
    )


async def new_keys(wire: Wire, installation_key: str, edge_key: str, policy: Policy) -> Keys:
    """Create a tenant with that policy, and a key of each role that a story needs."""
    tenant_id = f"m-{uuid.uuid4().hex[:12]}"
    await wire.call(
        "CreateTenant",
        admin_pb2.CreateTenantRequest(tenant_id=tenant_id, policy=policy_message(policy)),
        installation_key,
    )
    secrets = []
    for role in (admin_pb2.ROLE_ADMIN, admin_pb2.ROLE_SENDER, admin_pb2.ROLE_REPORTER):
        request = admin_pb2.CreateApiKeyRequest(tenant_id=tenant_id, role=role)
        secrets.append((await wire.call("CreateApiKey", request, installation_key)).secret)
    admin, sender, reporter = secrets
    return Keys(tenant_id, admin, sender, reporter, edge_key)
