"""How well user agents are recognized, over the corpora that come with packages."""

import pytest

from hushpost_client import Verdict
from tests.edge.user_agent_corpora import Corpus, Measurement, measure, packaged_corpora

_PACKAGED = list(packaged_corpora())

_EXPECTED = {
    "browser": (Verdict.HUMAN, Verdict.HUMAN),
    "image proxy": (Verdict.PROXY, Verdict.SCANNER),
    "mail program": (Verdict.HUMAN, Verdict.HUMAN),
    "program": (Verdict.SCANNER, Verdict.SCANNER),
}


def share(measurement: Measurement) -> tuple[float, float]:
    """Return the share of opens and clicks with the right verdict."""
    opened, clicked = _EXPECTED[measurement.corpus.kind]
    count = len(measurement.corpus.agents)
    return measurement.opens[opened] / count, measurement.clicks[clicked] / count


@pytest.mark.parametrize("corpus", _PACKAGED, ids=lambda corpus: f"{corpus.name}-{corpus.kind}")
def test_corpora(corpus: Corpus) -> None:
    """Nearly all programs of the list, and all others, are recognized."""
    least = 0.99 if corpus.kind == "program" else 1.0
    assert len(corpus.agents) > 5
    assert min(share(measure(corpus))) >= least


@pytest.mark.parametrize(
    "agent",
    [
        "ExampleBot/1.0",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/99.0 Safari/537.36 (example search bot)",
        "Mozilla/5.0 (compatible; Example 2.0)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0 +example.com/about",
        "Example Web Monitoring",
        "example-agent",
    ],
)
def test_programs_that_no_list_has(agent: str) -> None:
    """Words that programs have in common are enough."""
    measurement = measure(Corpus("one", "program", [agent]))
    assert share(measurement) == (1, 1)
