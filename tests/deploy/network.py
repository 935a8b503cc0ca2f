"""Says which connections from and to the pods of an installation its NetworkPolicies allow."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from .manifests import Manifest, container_of, labels_of, of_kind, selects

__all__ = ["Address", "PodOf", "allowed", "may_leave"]


@dataclass(frozen=True)
class Address:
    """A destination that is no pod, or a pod in the network of its node."""

    address: str


@dataclass(frozen=True)
class PodOf:
    """A pod of another namespace."""

    namespace: str
    labels: Mapping[str, str]


def allowed(objects: Iterable[Manifest], source: Manifest, target: Manifest, port: int) -> bool:
    """Return whether pods of one workload may connect to a port of pods of another."""
    policies = of_kind(objects, "NetworkPolicy")
    return _passes(policies, "Egress", source, target, port) and _passes(
        policies, "Ingress", target, source, port
    )


def may_leave(
    objects: Iterable[Manifest],
    source: Manifest,
    target: Address | PodOf,
    protocol: str,
    port: int,
) -> bool:
    """Return whether pods of a workload may connect to a destination outside of the namespace."""
    return any(
        {"protocol": protocol, "port": port} in rule["ports"]
        and (not rule["to"] or any(_is_at(target, peer) for peer in rule["to"]))
        for policy in of_kind(objects, "NetworkPolicy")
        if selects(policy["spec"]["podSelector"], labels_of(source))
        for rule in policy["spec"].get("egress", [])
    )


def _is_at(target: Address | PodOf, peer: Manifest) -> bool:
    """Return whether a peer of a rule matches a destination outside of the namespace."""
    if isinstance(target, Address):
        block = peer.get("ipBlock")
        return block is not None and ip_address(target.address) in ip_network(block["cidr"])
    if "namespaceSelector" not in peer:
        return False
    name = {"kubernetes.io/metadata.name": target.namespace}
    return selects(peer["namespaceSelector"], name) and selects(
        peer.get("podSelector", {}), dict(target.labels)
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
