"""The rules that decide verdicts. Metrics have their names as the label `reason`."""

from enum import StrEnum

__all__ = ["Reason"]


class Reason(StrEnum):
    """Which rule decided the verdict of an event; docs/reference/verdicts.md explains them."""

    ADDRESS = "address"
    PREFETCH_HEADER = "prefetch_header"
    PREFETCHER = "prefetcher"
    IMAGE_PROXY = "image_proxy"
    PROGRAM = "program"
    READER = "reader"
    UNKNOWN_AGENT = "unknown_agent"
    FETCH_MODE = "fetch_mode"
    NO_FETCH_MODE = "no_fetch_mode"
    NO_LANGUAGE = "no_language"
    BURST = "burst"
    SWEEP = "sweep"
    TRAP = "trap"
    HEAD = "head"
    SLOW_SWEEP = "slow_sweep"
    COVERAGE = "coverage"
