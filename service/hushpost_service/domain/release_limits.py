"""The operator's limits on what tenants may release, and checks of release schedules. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.modes import Policy, Release

__all__ = ["MAX_DATES", "ReleaseLimits", "is_valid_schedule"]

MAX_DATES = 6
"""Maximum number of dates of a schedule; each takes a share of the budget."""

_MIN_EPSILON = 0.01
"""Less would be noise only, and overflow the counts."""

_MAX_DELAY_SECONDS = 365 * 24 * 3600


def is_valid_schedule(delays: Sequence[int]) -> bool:
    """Return whether delays in seconds are ascending, in range, and few enough."""
    return (
        1 <= len(delays) <= MAX_DATES
        and delays[0] >= 1
        and delays[-1] <= _MAX_DELAY_SECONDS
        and list(delays) == sorted(set(delays))
    )


@dataclass(frozen=True, slots=True)
class ReleaseLimits:
    """What the installation allows its tenants to release.

    Attributes:
        max_epsilon: The greatest privacy budget of a campaign.
        allow_exact: Whether counts may be released without noise.
    """

    max_epsilon: float
    allow_exact: bool

    def check(self, policy: Policy, fields: Collection[str]) -> None:
        """Raise FIELD_INVALID if some of these fields of a policy exceed the limits."""
        if "release" in fields and policy.release is Release.EXACT and not self.allow_exact:
            raise HushpostError(
                Reason.FIELD_INVALID,
                "policy.release can be EXACT only if the operator starts the authority with "
                "--allow-exact",
                {"field": "release"},
            )
        if "epsilon" in fields and not _MIN_EPSILON <= policy.epsilon <= self.max_epsilon:
            raise HushpostError(
                Reason.FIELD_INVALID,
                f"policy.epsilon must be from {_MIN_EPSILON:g} to {self.max_epsilon:g}, the "
                "operator's --max-epsilon",
                {"field": "epsilon", "limit": f"{self.max_epsilon:g}"},
            )

    def limited(self, policy: Policy) -> Policy:
        """Return a policy with its releases limited: for a limit that was lowered later."""
        release = policy.release if self.allow_exact else Release.NOISY
        return replace(policy, release=release, epsilon=min(policy.epsilon, self.max_epsilon))
