"""Replays random stories on the authority and on the model, and compares the results."""

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hushpost.v1 import admin_pb2, campaign_pb2, preference_pb2, stats_pb2, tracking_pb2
from tests.modes.model import (
    Consent,
    Consents,
    Message,
    Mode,
    Model,
    Place,
    Policy,
    Purpose,
    State,
    Token,
    view,
)
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
    messages: list[tuple[tuple[str, str], Message]] = field(default_factory=list)

    async def set_view(self, name: str, state: State, *, keep: bool | None) -> None:
        """Set a preference by the simple view."""
        request = preference_pb2.SetPreferenceRequest(contact_id=name, do_not_track=int(state))  # type: ignore[arg-type] # numbered as on the wire
        preference = await self._set(request, keep=keep)
        after = self.model.set_view(name, state, keep=keep)
        assert preference.do_not_track == state
        self._compare_preference(preference, after)

    async def set_consents(
        self, name: str, opens: Consent | None, clicks: Consent | None, *, keep: bool | None
    ) -> None:
        """Set the consent to one purpose or to both."""
        request = preference_pb2.SetPreferenceRequest(
            contact_id=name,
            opens_consent=int(opens or 0),  # type: ignore[arg-type] # numbered as on the wire
            clicks_consent=int(clicks or 0),  # type: ignore[arg-type] # as above
        )
        preference = await self._set(request, keep=keep)
        after = self.model.set_consents(name, opens, clicks, keep=keep)
        self._compare_preference(preference, after)

    async def _set(self, request: preference_pb2.SetPreferenceRequest, *, keep: bool | None) -> Any:
        if keep is not None:
            request.history = KEEP if keep else ANONYMIZE  # type: ignore[assignment] # numbered as on the wire
        response = await self.wire.call("SetPreference", request, self.keys.sender)
        return response.preference

    def _compare_preference(self, preference: Any, after: Consents) -> None:
        assert (preference.opens_consent, preference.clicks_consent) == after
        assert preference.do_not_track == view(after)
        modes = self.model.policy.modes(after)
        assert (preference.opens_mode, preference.clicks_mode) == modes
        assert preference.mode == max(modes)

    async def update_policy(self, policy: Policy) -> None:
        """Change the policy, and wait for its anonymization job."""
        request = admin_pb2.UpdatePolicyRequest(policy=policy_message(policy))
        request.update_mask.paths.extend(
            ("anonymization_enabled", "opens_modes", "clicks_modes", "history_when_true")
        )
        response = await self.wire.call("UpdatePolicy", request, self.keys.admin)
        self.model.update_policy(policy)
        while response.tenant.HasField("folding"):
            response = await self.wire.call(
                "GetTenant", admin_pb2.GetTenantRequest(), self.keys.admin
            )

    async def create_campaign(self, ceiling: Mode = Mode.IDENTIFIED) -> None:
        """Create a campaign with its number in the model as id."""
        number = len(self.model.created)
        await self.wire.call(
            "CreateCampaign",
            campaign_pb2.CreateCampaignRequest(
                campaign_id=str(number),
                links=[campaign_pb2.Link(url=url) for url in LINKS],
                groups=[campaign_pb2.Group(group_id=GROUP)],
                max_mode=int(ceiling),  # type: ignore[arg-type] # numbered as on the wire
            ),
            self.keys.sender,
        )
        self.model.create_campaign(ceiling)

    async def issue(self, campaign: int, name: str) -> None:
        """Send a message."""
        response = await self.wire.call(
            "IssueTokens",
            campaign_pb2.IssueTokensRequest(
                campaign_id=str(campaign), group_id=GROUP, contact_ids=[name]
            ),
            self.keys.sender,
        )
        message = self.model.issue(campaign, name)
        issued = response.tokens[0]
        click_mode = issued.click_mode or issued.mode
        click_token = issued.click_token if issued.click_mode else issued.token
        assert (issued.mode, click_mode) == message.modes
        assert bool(issued.token) is (message.modes[Purpose.OPENS] is not Mode.OFF)
        assert bool(click_token) is (message.modes[Purpose.CLICKS] is not Mode.OFF)
        if issued.token or click_token:
            self.messages.append(((issued.token, click_token), message))

    async def record(
        self,
        number: int,
        signal: int,
        hours_ago: int,
        *,
        machine: bool,
        gpc: bool,
        is_misused: bool,
    ) -> None:
        """Record an event of one of the sent messages, if there is any.

        Args:
            number: Selects the message.
            signal: 0 for an open, or the number of the clicked link.
            hours_ago: When it happened.
            machine: Whether the verdict is that of a machine.
            gpc: Whether there is a privacy signal.
            is_misused: Whether to use the pixel's token for a click and a link's for an open.
        """
        if not self.messages:
            return
        sealed_tokens, message = self.messages[number % len(self.messages)]
        position = bool(signal) is not is_misused
        sealed, token = sealed_tokens[position], message.tokens[position]
        if not sealed:
            return
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
            for purpose in Purpose:
                listed = await self.wire.call(
                    "ListEngagedContacts",
                    stats_pb2.ListEngagedContactsRequest(
                        campaign_id=str(campaign), engagement=_ENGAGEMENTS[purpose]
                    ),
                    self.keys.reporter,
                )
                names = {contact.contact_id for contact in listed.contacts}
                assert names == self.model.engaged(campaign, purpose)
        self._compare_tokens()

    def _compare_tokens(self) -> None:
        """AGGREGATE tokens of a campaign and purpose are identical; all others differ."""
        by_sealed: dict[str, set[object]] = {}
        for sealed_tokens, message in self.messages:
            for sealed, token in zip(sealed_tokens, message.tokens, strict=True):
                if sealed:
                    by_sealed.setdefault(sealed, set()).add(_identity(token))
        assert all(len(identities) == 1 for identities in by_sealed.values())
        distinct = [identity for identities in by_sealed.values() for identity in identities]
        assert len(distinct) == len(set(distinct))


_ENGAGEMENTS = {
    Purpose.OPENS: stats_pb2.ENGAGEMENT_OPENED,
    Purpose.CLICKS: stats_pb2.ENGAGEMENT_CLICKED,
}


def _identity(token: Token) -> object:
    """Return what distinguishes a token from others: its slot, if it has one."""
    if token.mode is Mode.AGGREGATE:
        return token.campaign, token.purpose
    return token.slot


Numbers = dict[str, int]
"""Counts by name, without zeros."""


def reported_counts(stats: stats_pb2.CampaignStats) -> Numbers:
    """Return the counts that the authority reports."""
    numbers: Counter[str] = Counter()
    for name, sent in (("OPENS", stats.sent), ("CLICKS", stats.clicks_sent)):
        for mode in Mode:
            numbers[f"sent {name} {mode.name}"] = getattr(sent, mode.name.lower())
    _add(numbers, "opens", stats.opens)
    _add(numbers, "clicks", stats.clicks)
    (group,) = stats.groups
    assert (group.sent, group.clicks_sent) == (stats.sent, stats.clicks_sent)
    assert (group.opens, group.clicks) == (stats.opens, stats.clicks)
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
    for purpose in Purpose:
        for mode in Mode:
            numbers[f"sent {purpose.name} {mode.name}"] = model.sent[campaign, purpose, mode]
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
        opens_modes=_consent_modes(policy.opens),
        clicks_modes=_consent_modes(policy.clicks),
        history_when_true=KEEP if policy.keep else ANONYMIZE,  # type: ignore[arg-type] # numbered as on the wire
        release=admin_pb2.RELEASE_EXACT,
    )


def _consent_modes(modes: tuple[Mode, Mode, Mode]) -> admin_pb2.ConsentModes:
    unknown, denied, withdrawn = map(int, modes)
    return admin_pb2.ConsentModes(
        when_unknown=unknown,  # type: ignore[arg-type] # numbered as on the wire
        when_denied=denied,  # type: ignore[arg-type] # as above
        when_withdrawn=withdrawn,  # type: ignore[arg-type] # as above
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
