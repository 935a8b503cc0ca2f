"""Calls with invalid policies are rejected as a whole."""

from collections.abc import Iterator
from math import inf, nan
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from hushpost.v1 import admin_pb2, privacy_pb2
from tests.inspection import Connection
from tests.rpc.scenario import INSTALLATION, Case, Scenario, check_rejected, parametrize_cases
from tests.wire import Wire


def _budgets() -> Iterator[Case]:
    for epsilon in (-1.0, 0.001, 2.01, inf, -inf, nan, 1e300):
        yield Case(
            f"epsilon {epsilon}",
            "UpdatePolicy",
            admin_pb2.UpdatePolicyRequest(
                policy=admin_pb2.Policy(epsilon=epsilon), update_mask=FieldMask(paths=["epsilon"])
            ),
            "FIELD_INVALID",
            metadata={"field": "epsilon", "limit": "2"},
        )


def _policies() -> Iterator[Case]:
    invalid: dict[str, list[Any]] = {
        "mode_when_true": [privacy_pb2.MODE_IDENTIFIED, 9, -1],
        "mode_when_unset": [9],
        "history_when_true": [9],
        "retention_days": [-1, 3651],
        "max_anonymous_messages": [-1, 1001],
        "reask_after_days": [-1, 3651],
        "opens_modes.when_unknown": [9],
        "opens_modes.when_denied": [privacy_pb2.MODE_IDENTIFIED, 9],
        "opens_modes.when_withdrawn": [privacy_pb2.MODE_IDENTIFIED, 9],
        "clicks_modes.when_unknown": [-1],
        "clicks_modes.when_denied": [privacy_pb2.MODE_IDENTIFIED, 9],
        "clicks_modes.when_withdrawn": [privacy_pb2.MODE_IDENTIFIED, 9],
        "release": [9],
        "release_delays": [
            [Duration(seconds=0)],
            [Duration(seconds=-1)],
            [Duration(nanos=1)],
            [Duration(seconds=2, nanos=1)],
            [Duration(seconds=2), Duration(seconds=1)],
            [Duration(seconds=1)] * 2,
            [Duration(seconds=365 * 24 * 3600 + 1)],
            [Duration(seconds=number) for number in range(1, 8)],
        ],
    }
    for field, values in invalid.items():
        for value in values:
            policy = _policy_with(field, value)
            update = admin_pb2.UpdatePolicyRequest(
                policy=policy, update_mask=FieldMask(paths=[field])
            )
            tenant = admin_pb2.CreateTenantRequest(tenant_id="new", policy=policy)
            for method, request, key in (
                ("UpdatePolicy", update, ""),
                ("CreateTenant", tenant, INSTALLATION),
            ):
                yield Case(
                    f"{field} {value}",
                    method,
                    request,
                    "FIELD_INVALID",
                    metadata={"field": field},
                    key=key,
                )
    masks = {
        "empty": ([], ""),
        "unknown field": (["epsilon", "nonsense"], "nonsense"),
        "wildcard": (["*"], "*"),
        "path": (["policy.epsilon"], "policy.epsilon"),
        "unknown nested field": (["opens_modes.when_granted"], "opens_modes.when_granted"),
        "nested in a scalar": (["epsilon.epsilon"], "epsilon.epsilon"),
        "unfinished path": (["opens_modes."], "opens_modes."),
        "prefix of a name": (["opens"], "opens"),
        "wrong case": (["Epsilon"], "Epsilon"),
        "output only": (["branding.logo_media_type"], "branding.logo_media_type"),
        "unknown with the branding": (["branding", "branding.x"], "branding.x"),
    }
    for name, (mask, reported_field) in masks.items():
        update = admin_pb2.UpdatePolicyRequest(
            policy=admin_pb2.Policy(epsilon=1), update_mask=FieldMask(paths=mask)
        )
        yield Case(
            name, "UpdatePolicy", update, "UPDATE_MASK_INVALID", metadata={"field": reported_field}
        )


def _policy_with(path: str, value: Any) -> admin_pb2.Policy:
    name, _, nested = path.partition(".")
    fields: dict[str, Any] = {name: admin_pb2.ConsentModes(**{nested: value}) if nested else value}
    return admin_pb2.Policy(**fields)


def _masks_without_values() -> Iterator[Case]:
    """Each field of a policy, named by the mask but without a value: never a default.

    The branding and the default tracking domain may be removed.
    """
    for field in admin_pb2.Policy.DESCRIPTOR.fields:
        if field.name in {"branding", "default_tracking_domain"}:
            continue
        nested = field.message_type.fields if field.message_type and not field.is_repeated else []
        paths = [f"{field.name}.{inner.name}" for inner in nested]
        for path in [field.name, *paths]:
            yield Case(
                f"{path} without a value",
                "UpdatePolicy",
                admin_pb2.UpdatePolicyRequest(
                    policy=admin_pb2.Policy(mode_when_unset=privacy_pb2.MODE_OFF)
                    if path != "mode_when_unset"
                    else admin_pb2.Policy(),
                    update_mask=FieldMask(paths=[path]),
                ),
                "FIELD_INVALID",
                metadata={"field": paths[0] if path == field.name and paths else path},
            )
    incomplete = admin_pb2.Policy(
        opens_modes=admin_pb2.ConsentModes(
            when_unknown=privacy_pb2.MODE_OFF, when_denied=privacy_pb2.MODE_OFF
        )
    )
    yield Case(
        "opens_modes with two of three values",
        "UpdatePolicy",
        admin_pb2.UpdatePolicyRequest(
            policy=incomplete, update_mask=FieldMask(paths=["opens_modes"])
        ),
        "FIELD_INVALID",
        metadata={"field": "opens_modes.when_withdrawn"},
    )


@parametrize_cases([*_policies(), *_budgets(), *_masks_without_values()])
async def test_an_invalid_policy_is_rejected(
    scenario: Scenario, wire: Wire, database: Connection, case: Case
) -> None:
    """No setting changes; a field of the mask without a value never means a default."""
    await check_rejected(scenario, wire, database, case)
