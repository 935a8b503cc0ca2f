"""Measures how well the edge recognizes user agents: `make corpus`.

The corpora come with packages of the development environment. Others can be given as files with
a user agent per line: `make corpus FILES="program=crawlers.txt browser=browsers.txt"`.
"""

import csv
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

from hushpost_client import Verdict
from hushpost_edge.classifier import Classifier
from hushpost_edge.event_ranges import EventRanges
from hushpost_edge.request_info import RequestInfo

__all__ = ["Corpus", "Measurement", "classify", "measure", "packaged_corpora"]

_KINDS = ("program", "image proxy", "mail program", "browser")
_MACHINES = (Verdict.SCANNER, Verdict.PREFETCH)
_READERS = ("browser", "mail program")
_COLUMNS = (Verdict.HUMAN, Verdict.PROXY, Verdict.UNKNOWN, Verdict.PREFETCH, Verdict.SCANNER)


class Corpus(NamedTuple):
    """User agents of one kind: program, image proxy, mail program or browser."""

    name: str
    kind: str
    agents: list[str]


class Measurement(NamedTuple):
    """How many agents of a corpus got each verdict for an open and for a click."""

    corpus: Corpus
    opens: Counter[Verdict]
    clicks: Counter[Verdict]
    microseconds: float


_CLASSIFIER = Classifier(proxies=EventRanges(), prefetchers=EventRanges(), scanners=EventRanges())


def packaged_corpora() -> Iterator[Corpus]:
    """Return the corpora that need no download, without duplicates."""
    crawlers = (agent for entry in CRAWLER_USER_AGENTS_DATA for agent in entry["instances"])
    own = _own_agents()
    proxies = set(own["image proxy"])
    yield Corpus("crawler-user-agents", "program", sorted(set(crawlers) - proxies))
    lines = files("fake_useragent").joinpath("data/browsers.jsonl").read_text("utf-8").splitlines()
    browsers = {json.loads(line)["useragent"] for line in lines}
    yield Corpus("fake-useragent", "browser", sorted(browsers))
    for kind, agents in own.items():
        yield Corpus("user_agents.csv", kind, agents)


def _own_agents() -> dict[str, list[str]]:
    agents: dict[str, list[str]] = {}
    with (Path(__file__).with_name("user_agents.csv")).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            agents.setdefault(row["kind"], []).append(row["agent"])
    return agents


def classify(link: int, agent: str) -> Verdict:
    """Return the verdict of an event with this user agent, from an address in no range."""
    info = RequestInfo(
        agent.encode("latin-1", "replace"),
        "192.0.2.1",
        is_prefetch=False,
        privacy_signal=False,
        has_language=True,
        fetch_mode=b"",
        is_https=False,
    )
    return _CLASSIFIER.classify(link, info).verdict


def measure(corpus: Corpus) -> Measurement:
    """Classify an open and a click of each user agent. None is in a cache before."""
    start = time.process_time()
    opens = Counter(classify(0, agent) for agent in corpus.agents)
    clicks = Counter(classify(1, agent) for agent in corpus.agents)
    seconds = time.process_time() - start
    return Measurement(corpus, opens, clicks, seconds * 1e6 / max(1, 2 * len(corpus.agents)))


def _machines(verdicts: Counter[Verdict]) -> int:
    return sum(verdicts[verdict] for verdict in _MACHINES)


def _table(measurements: Iterable[Measurement]) -> Iterator[str]:
    names = " | ".join(str(verdict) for verdict in _COLUMNS)
    yield f"| corpus | kind | event | agents | {names} | µs |"
    yield f"| --- | --- | --- |{' ---: |' * (2 + len(_COLUMNS))}"
    for corpus, opens, clicks, microseconds in measurements:
        for event, verdicts in (("open", opens), ("click", clicks)):
            counts = " | ".join(f"{verdicts[verdict]:,}" for verdict in _COLUMNS)
            yield (
                f"| {corpus.name} | {corpus.kind} | {event} | {len(corpus.agents):,} | {counts} "
                f"| {microseconds:.0f} |"
            )


def _quality(measurements: list[Measurement]) -> Iterator[str]:
    """Yield precision and recall of "a machine"."""
    for event in ("opens", "clicks"):
        found = wrong = programs = 0
        for measurement in measurements:
            machines = _machines(getattr(measurement, event))
            if measurement.corpus.kind == "program":
                found, programs = found + machines, programs + len(measurement.corpus.agents)
            elif measurement.corpus.kind in _READERS:
                wrong += machines
        precision, recall = found / max(1, found + wrong), found / max(1, programs)
        yield f"{event}: precision {precision:.2%}, recall {recall:.2%}"


def _given_corpora(arguments: list[str]) -> Iterator[Corpus]:
    for argument in arguments:
        kind, _, path = argument.partition("=")
        if kind not in _KINDS or not path:
            sys.exit(f"{argument!r} is not KIND=FILE with one of the kinds {', '.join(_KINDS)}")
        lines = Path(path).read_text("utf-8", errors="replace").splitlines()
        yield Corpus(Path(path).name, kind, sorted({line.strip() for line in lines} - {""}))


def main() -> None:
    """Print the tables."""
    corpora = [*packaged_corpora(), *_given_corpora(sys.argv[1:])]
    measurements = [measure(corpus) for corpus in corpora]
    lines = (*_table(measurements), "", *_quality(measurements))
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
