"""The rules by which clicks of one token from one network are a scanner's. Pure.

Rules on trial have a result of their own, so that `--verdicts shadow` can count what they would do.
"""

from hushpost_edge.client_activity import Activity
from hushpost_edge.event_reasons import Reason

__all__ = ["MEMORY_SECONDS", "add_click", "add_head", "add_trap", "scanner_rule", "trial_rule"]

_BURST_SECONDS = 1.0

_SWEEP_SECONDS = 5.0
_SWEEP_LINKS = 4
_SWEEP_LINKS_FROM_FIRST = 3

_SLOW_SWEEP_SECONDS = 60.0
_SLOW_SWEEP_LINKS = 6
_SLOW_SWEEP_LINKS_FROM_FIRST = 5

_COVERAGE_SECONDS = 2.0

_HEAD_SECONDS = 30.0

_TRAP_SECONDS = 120.0
"""How long the clicks of a client that followed the trap link are a scanner's."""

MEMORY_SECONDS = _TRAP_SECONDS
"""How long activities are needed."""

_RULES = tuple(Reason)
_NUMBERS = {rule: number for number, rule in enumerate(_RULES)}


def scanner_rule(activity: Activity, now: float) -> Reason | None:
    """Return the rule by which events are a scanner's now."""
    return _RULES[activity.rule] if now <= activity.scanner_until else None


def trial_rule(activity: Activity, now: float) -> Reason | None:
    """Return the same for rules on trial."""
    return _RULES[activity.trial_rule] if now <= activity.trial_until else None


def add_trap(activity: Activity, now: float) -> None:
    """Add a request for the trap link: the next clicks are a scanner's."""
    activity.trapped_until = now + _TRAP_SECONDS


def add_head(activity: Activity, now: float, link: int) -> None:
    """Add a HEAD request, which browsers do not make before they follow a link."""
    earlier = activity.head_links if now - activity.head_time <= _HEAD_SECONDS else [0, 0, 0]
    activity.head_time = now
    activity.head_links = [link, *(each for each in earlier if each != link), 0][:4]


def add_click(activity: Activity, now: float, link: int) -> None:
    """Add a click."""
    _apply_rules(activity, now, link)
    _try_rules(activity, now, link)
    activity.click_time, activity.link = now, link


def _apply_rules(activity: Activity, now: float, link: int) -> None:
    pause = now - activity.click_time
    previous = activity.link if pause <= _SWEEP_SECONDS else 0
    activity.in_order = _in_order(activity.in_order, previous, link)
    if now <= activity.trapped_until:
        activity.rule, activity.scanner_until = _NUMBERS[Reason.TRAP], now + _SWEEP_SECONDS
    elif _is_sweep(activity.in_order, link, _SWEEP_LINKS, _SWEEP_LINKS_FROM_FIRST):
        activity.rule, activity.scanner_until = _NUMBERS[Reason.SWEEP], now + _SWEEP_SECONDS
    elif now <= activity.scanner_until:
        # It lasts as long as it goes on.
        activity.scanner_until = max(activity.scanner_until, now + _BURST_SECONDS)
    elif previous not in {0, link} and pause <= _BURST_SECONDS:
        activity.rule, activity.scanner_until = _NUMBERS[Reason.BURST], now + _BURST_SECONDS


def _try_rules(activity: Activity, now: float, link: int) -> None:
    pause = now - activity.click_time
    previous = activity.link if pause <= _SLOW_SWEEP_SECONDS else 0
    activity.slowly_in_order = _in_order(activity.slowly_in_order, previous, link)
    if pause > _COVERAGE_SECONDS:
        activity.quick_links = [link, 0, 0, 0]
    elif link not in activity.quick_links:
        activity.quick_links = [link, *activity.quick_links[:3]]
    if all(activity.quick_links):
        rule, seconds = Reason.COVERAGE, _SWEEP_SECONDS
    elif _is_sweep(activity.slowly_in_order, link, _SLOW_SWEEP_LINKS, _SLOW_SWEEP_LINKS_FROM_FIRST):
        rule, seconds = Reason.SLOW_SWEEP, _SWEEP_SECONDS
    elif link in activity.head_links and now - activity.head_time <= _HEAD_SECONDS:
        rule, seconds = Reason.HEAD, _BURST_SECONDS
    elif now <= activity.trial_until:
        rule, seconds = _RULES[activity.trial_rule], _BURST_SECONDS
    else:
        return
    activity.head_links = [0 if each == link else each for each in activity.head_links]
    activity.trial_rule = _NUMBERS[rule]
    activity.trial_until = max(activity.trial_until, now + seconds)


def _in_order(count: int, previous: int, link: int) -> int:
    """Return how many links up to this one were followed in order."""
    if link == previous:
        return count
    return count + 1 if previous and link == previous + 1 else 1


def _is_sweep(in_order: int, link: int, links: int, links_from_first: int) -> bool:
    return in_order >= links or (in_order == link and link >= links_from_first)
