"""Consents, details of decisions, and filters of lists that are out of range."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from hushpost.v1 import preference_pb2, privacy_pb2
from tests.inspection import Connection
from tests.rpc.scenario import Case, Scenario, check_rejected, parametrize_cases
from tests.wire import Wire

TRUE = privacy_pb2.DO_NOT_TRACK_TRUE


def _set_preference(**fields: object) -> Message:
    given = {"contact_id": "bob", "do_not_track": TRUE, **fields}
    return preference_pb2.SetPreferenceRequest(**given)  # type: ignore[arg-type]


def _set_in_batch(**fields: object) -> Message:
    valid = preference_pb2.PreferenceEntry(contact_id="bob", do_not_track=TRUE)
    entry = preference_pb2.PreferenceEntry(contact_id="ann", do_not_track=TRUE, **fields)  # type: ignore[arg-type]
    return preference_pb2.BatchSetPreferencesRequest(entries=[valid, entry])


def _ahead(**duration: float) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(datetime.now(UTC) + timedelta(**duration))
    return message


_TOO_LATE: list[Callable[[], Timestamp]] = [
    lambda: _ahead(hours=12),  # computed when tests are collected
    lambda: _ahead(days=36500),
    lambda: Timestamp(seconds=253402300799),
]


_TOO_EARLY = [Timestamp(seconds=-1), Timestamp(seconds=-62135596800)]


def _details(**fields: object) -> preference_pb2.DecisionDetails:
    return preference_pb2.DecisionDetails(**fields)  # type: ignore[arg-type]


_NOT_A_TIME = {
    "before the year 1": Timestamp(seconds=-62135596801),
    "after the year 9999": Timestamp(seconds=253402300800),
    "before the first second of a Timestamp": Timestamp(seconds=-(2**63)),
    "with too many nanoseconds": Timestamp(seconds=1, nanos=2**31 - 1),
}


def _second(metadata: dict[str, str], method: str) -> dict[str, str]:
    """Return the metadata of an error in the second entry of a batch, or in a single call."""
    return metadata | ({"index": "1"} if method == "BatchSetPreferences" else {})


def _decisions() -> Iterator[Case]:
    invalid: dict[str, list[preference_pb2.DecisionDetails]] = {
        "source_id": [_details(source_id=text) for text in ("ä" * 128 + "a", "a\x00")],
        "wording_version": [_details(wording_version=text) for text in ("a" * 65, "\x00")],
        "wording_language": [
            _details(wording_language=text)
            for text in ("fr_FR", "f" * 9, "-", "fr-", "fr ", "fr\n", "ﬁ", "a-" * 17 + "bc")
        ],
        "decision_time": [_details(decision_time=time()) for time in _TOO_LATE]
        + [_details(decision_time=time) for time in (*_TOO_EARLY, *_NOT_A_TIME.values())],
    }
    for name, all_details in invalid.items():
        for number, details in enumerate(all_details):
            for method, request in {
                "SetPreference": _set_preference(details=details),
                "BatchSetPreferences": _set_in_batch(details=details),
            }.items():
                metadata = _second({"field": f"details.{name}"}, method)
                yield Case(f"{name} {number}", method, request, "FIELD_INVALID", metadata=metadata)


def _consents() -> Iterator[Case]:
    for field in ("opens_consent", "clicks_consent"):
        for number in (9, -1):
            invalid = {"do_not_track": 0, field: number}
            yield Case(
                f"{field} {number}",
                "SetPreference",
                _set_preference(**invalid),
                "FIELD_INVALID",
                metadata={"field": field},
            )
        both = {field: privacy_pb2.CONSENT_GRANTED}
        for method, request in {
            "SetPreference": _set_preference(**both),
            "BatchSetPreferences": _set_in_batch(**both),
        }.items():
            name = f"{field} with do_not_track"
            only_one = _second({"field": "do_not_track"}, method)
            yield Case(name, method, request, "FIELD_INVALID", metadata=only_one)


def _filters() -> Iterator[Case]:
    contacts = preference_pb2.ListContactsRequest
    changes = preference_pb2.ListPreferenceChangesRequest
    inactive = preference_pb2.ListInactiveContactsRequest
    cases: list[tuple[str, str, Message]] = [
        ("ListPreferenceChanges", "source", changes(source=9)),  # type: ignore[arg-type]
        ("ListInactiveContacts", "before", inactive()),
    ]
    for consents in ([0], [9], [privacy_pb2.CONSENT_DENIED, 0], [-1]):
        cases += [
            ("ListContacts", "opens_consents", contacts(opens_consents=consents)),  # type: ignore[arg-type] # invalid numbers
            ("ListContacts", "clicks_consents", contacts(clicks_consents=consents)),  # type: ignore[arg-type] # as above
        ]
    for time in _NOT_A_TIME.values():
        cases += [
            ("ListContacts", "decided_before", contacts(decided_before=time)),
            ("ListPreferenceChanges", "start_time", changes(start_time=time)),
            ("ListPreferenceChanges", "end_time", changes(end_time=time)),
            ("ListInactiveContacts", "before", inactive(before=time)),
        ]
    for number, (method, field, request) in enumerate(cases):
        yield Case(f"{field} {number}", method, request, "FIELD_INVALID", metadata={"field": field})


@parametrize_cases([*_decisions(), *_consents(), *_filters()])
async def test_an_invalid_decision_or_filter_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """The call is rejected as a whole, with the path of the field, and nothing is written."""
    await check_rejected(scenario, wire, database, case)
