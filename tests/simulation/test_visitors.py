"""Who visits the edge, and what the edge takes each for."""

from importlib.resources import as_file, files

import pytest

from hushpost_edge.classifier import Classifier
from hushpost_edge.event_ranges import EventRanges, Scope
from hushpost_edge.request_info import RequestInfo, read_request_info
from hushpost_runtime.address_ranges import AddressRanges
from tests.simulation.visitors import (
    APPLE,
    BROWSER_AHEAD,
    CRAWLER,
    GATEWAY,
    GMAIL,
    GMAIL_AHEAD,
    PEOPLE,
    SANDBOX,
    SMALL_PROGRAM,
    Visitor,
)

# A sandbox is found out by its haste alone.
JUDGED_ALONE = (
    *PEOPLE,
    *(APPLE, BROWSER_AHEAD, CRAWLER, GATEWAY, GMAIL, GMAIL_AHEAD, SMALL_PROGRAM),
)


@pytest.fixture(scope="module")
def judge() -> Classifier:
    """The edge's, with the demo's file of gateways."""
    with as_file(files("hushpost_demo") / "gateways.txt") as file:
        return Classifier(
            proxies=EventRanges([]),
            prefetchers=EventRanges([]),
            scanners=EventRanges.load(file, Scope.BOTH),
        )


@pytest.mark.parametrize("visitor", JUDGED_ALONE, ids=lambda visitor: visitor.name)
def test_the_edge_takes_visitors_for_what_the_demo_says(
    judge: Classifier, visitor: Visitor
) -> None:
    """Opens and clicks of each get the verdict that the model counts them with."""
    assert judge.classify(0, _evidence(visitor)).verdict is visitor.opens
    assert judge.classify(1, _evidence(visitor)).verdict is visitor.clicks


def test_a_single_click_of_a_sandbox_looks_like_a_persons(judge: Classifier) -> None:
    """So the demo shows that several are found out by their timing."""
    assert judge.classify(1, _evidence(SANDBOX)).verdict is PEOPLE[0].clicks


def _evidence(visitor: Visitor) -> RequestInfo:
    headers = {"user-agent": visitor.agent, "x-forwarded-for": visitor.address or "2001:db8:1::1"}
    headers |= {name.lower(): value for name, value in visitor.headers.items()}
    scope = {
        "client": ("127.0.0.1", 1),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    return read_request_info(scope, AddressRanges(["127.0.0.1/32"]))
