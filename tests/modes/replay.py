"""Replays random stories on the authority and on the model, and compares the results."""

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
    """The API keys that a story uses."""

    tenant_id: str
    admin: str
    sender: str
    reporter: str
    edge: str


@dataclass
class Replay:
    """A running story. `now` is the latest event time."""

    wire: Wire
    keys: Keys
    now: datetime
    model: Model
    tokens: list[tuple[str, Token]] = field(default_factory=list)

    async def set_preference(self, name: str, state: State, *, keep: bool | None) -> None:
        """Set a preference."""
        history = 0 if keep is None else KEEP if keep else ANONYMIZE
        response = await self.wire.call(
            "SetPreference",
            preference_pb2.SetPreferenceRequest(
                contact_id=name,
                do_not_track=int(state),  # type: ignore[arg-type] # numbered as on the wire
                history=history,  # type: ignore[arg-type] # as above
            ),
            self.keys.sender,
        )
        self.model.set_preference(name, state, keep=keep)
        assert response.preference.do_not_track == state
        assert response.preference.mode == self.model.policy.mode(state)

    async def update_policy(self, policy: Policy) -> None:
        """Change the policy, and wait for its anonymization job."""
        request = admin_pb2.UpdatePolicyRequest(policy=policy_message(policy))
        request.update_mask.paths.extend(
            ("anonymization_enabled", "mode_when_true", "mode_when_unset", "history_when_true")
        )
        response = await self.wire.call("UpdatePolicy", request, self.keys.admin)
        self.model.update_policy(policy)
        while response.tenant.HasField("folding"):
            response = await self.wire.call(
                "GetTenant", admin_pb2.GetTenantRequest(), self.keys.admin
            )

    async def create_campaign(self) -> None:
        """Create a campaign with its number in the model as id."""
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
        response = await self.wire.call(
            "IssueTokens",
            campaign_pb2.IssueTokensRequest(
                campaign_id=str(campaign), group_id=GROUP, contact_ids=[name]
            ),
            self.keys.sender,
        )
        token = self.model.issue(campaign, name)
        issued = response.tokens[0]
        assert issued.mode == token.mode
        assert bool(issued.token) is (token.mode is not Mode.OFF)
        if issued.token:
            self.tokens.append((issued.token, token))

    async def record(
        self, number: int, signal: int, hours_ago: int, *, machine: bool, gpc: bool
    ) -> None:
        """Record an event of one of the sent messages, if there is any."""
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
            response = await self.wire.call("RecordClick", request, self.keys.edge)
            assert response.url == LINKS[signal - 1], "a click returns the URL in every mode"
        else:
            opened = tracking_pb2.RecordOpenRequest(
                token=sealed, verdict=verdict, privacy_signal=gpc
            )
            opened.open_time.FromDatetime(time)
            await self.wire.call("RecordOpen", opened, self.keys.edge)
        hour = int(time.timestamp()) // 3600
        self.model.record(token, signal, hour, machine=machine, gpc=gpc)

    async def erase(self, name: str) -> None:
        """Erase a contact."""
        request = preference_pb2.EraseContactRequest(contact_id=name)
        await self.wire.call("EraseContact", request, self.keys.sender)
        self.model.erase(name)

    async def compare(self) -> None:
        """Compare all counts of all campaigns, and the engaged contacts."""
        for campaign in range(len(self.model.created)):
            request = stats_pb2.GetCampaignStatsRequest(campaign_id=str(campaign))
            response = await self.wire.call("GetCampaignStats", request, self.keys.reporter)
            assert reported_counts(response.stats) == expected_counts(self.model, campaign)
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
"""Counts by name, without zeros."""


def reported_counts(stats: stats_pb2.CampaignStats) -> Numbers:
    """Return the counts that the authority reports."""
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


def expected_counts(model: Model, campaign: int) -> Numbers:
    """Return the counts that the model expects."""
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
        for mode in ("identified", "anonymous", "aggregate"):
            numbers[f"{name} {machine} {mode} total"] = getattr(part, mode).total
            numbers[f"{name} {machine} {mode} unique"] = getattr(part, mode).unique


def policy_message(policy: Policy) -> admin_pb2.Policy:
    """Return the message for a policy with exact counts."""
    return admin_pb2.Policy(
        anonymization_enabled=policy.enabled,
        mode_when_true=int(policy.when_true),  # type: ignore[arg-type] # numbered as on the wire
        mode_when_unset=int(policy.when_unset),  # type: ignore[arg-type] # as above
        history_when_true=KEEP if policy.keep else ANONYMIZE,  # type: ignore[arg-type] # as above
        release=admin_pb2.RELEASE_EXACT,
    )


async def new_keys(wire: Wire, installation_key: str, edge_key: str, policy: Policy) -> Keys:
    """Create a tenant with a policy, and the API keys that a story uses."""
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
