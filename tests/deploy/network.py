"""Says which connections the NetworkPolicies of Kubernetes allow between the pods of an installation."""

from collections.abc import Iterable

from .manifests import Manifest, container_of, labels_of, of_kind, selects

__all__ = ["allowed"]


def allowed(objects: Iterable[Manifest], source: Manifest, target: Manifest, port: int) -> bool:
    """Return whether pods of one workload may connect to a port of pods of another."""
    policies = of_kind(objects, "NetworkPolicy")
    return _passes(policies, "Egress", source, target, port) and _passes(
        policies, "Ingress", target, source, port
    )


def _passes(
    policies: Iterable[Manifest], direction: str, pod: Manifest, other: Manifest, port: int
) -> bool:
    """Return whether the policies of a pod let a connection pass, from it or to it."""
    own = [
        policy["spec"]
        for policy in policies
        if direction in policy["spec"]["policyTypes"]
        and selects(policy["spec"]["podSelector"], labels_of(pod))
    ]
    if not own:
        return True  # A pod without a policy is not restricted.
    server = other if direction == "Egress" else pod
    peers = "to" if direction == "Egress" else "from"
    return any(
        _has_port(rule, server, port) and _has_peer(rule.get(peers), other)
        for spec in own
        for rule in spec.get(direction.lower(), [])
    )


def _has_port(rule: Manifest, server: Manifest, port: int) -> bool:
    names = {each["name"]: each["containerPort"] for each in container_of(server).get("ports", [])}
    return any(names.get(each["port"], each["port"]) == port for each in rule["ports"])


def _has_peer(peers: list[Manifest] | None, other: Manifest) -> bool:
    if not peers:
        return True
    return any(
        "podSelector" in peer
        # In the same namespace. All namespaces include it.
        and not peer.get("namespaceSelector")
        and selects(peer["podSelector"], labels_of(other))
        for peer in peers
    )
