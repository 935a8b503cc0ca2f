"""Selectors of the Kubernetes manifests match pods, and pods may connect only where they must."""

import pytest

from .manifests import (
    OVERLAYS,
    Manifest,
    built,
    container_of,
    labels_of,
    name_of,
    of_kind,
    selects,
    workload,
    workloads,
)
from .network import Address, PodOf, allowed, may_leave

overlays = pytest.mark.parametrize("overlay", OVERLAYS)

CONNECTIONS = {
    ("edge", "authority", 50051),
    ("dashboard", "authority", 50051),
    ("authority", "database", 5432),
    ("migrate", "database", 5432),
}
"""All connections between pods."""

DNS: dict[str, tuple[Address | PodOf, int]] = {
    "kube-dns": (PodOf("kube-system", {"k8s-app": "kube-dns"}), 53),
    "CoreDNS": (PodOf("kube-system", {"app.kubernetes.io/name": "coredns"}), 53),
    "cache": (PodOf("kube-system", {"k8s-app": "node-local-dns"}), 53),
    "NodeLocal": (Address("169.254.20.10"), 53),
    "Kubespray": (Address("169.254.25.10"), 53),
    "OpenShift": (
        PodOf("openshift-dns", {"dns.operator.openshift.io/daemonset-dns": "default"}),
        5353,
    ),
}
"""The DNS servers of common clusters, and the ports that their pods listen on."""

NOT_DNS: dict[str, tuple[Address | PodOf, int]] = {
    "API server": (PodOf("kube-system", {"component": "kube-apiserver"}), 6443),
    "resolver outside": (Address("192.0.2.53"), 53),
    "metadata of the cloud": (Address("169.254.169.254"), 80),
    "other namespace": (PodOf("default", {"k8s-app": "kube-dns"}), 53),
    "multicast DNS": (PodOf("kube-system", {"k8s-app": "kube-dns"}), 5353),
}

OF_READERS = [
    "/o/x.gif",
    "/O/x.gif",
    "/c/x/1",
    "/C/x/1",
    "/p/x",
    "/P/x",
    "/p/x/one-click",
    "/.well-known/apple-app-site-association",
    "/.well-known/assetlinks.json",
]
OF_PEOPLE = [
    "/",
    "/sign-in",
    "/sign-out",
    "/campaigns",
    "/campaigns/spring",
    "/campaigns/spring/print",
    "/compare",
    "/static/chart.js",
]
INTERNAL = ["/metrics", "/healthz", "/readyz", "/ask"]


def selected(objects: list[Manifest], selector: Manifest) -> list[str]:
    """Return the names of the workloads whose pods a selector matches."""
    return [name_of(each) for each in workloads(objects) if selects(selector, labels_of(each))]


@overlays
def test_workloads_and_services_select_their_pods(overlay: str) -> None:
    """A workload, a Service and a PodDisruptionBudget select the pods of one workload, that of their component."""
    objects = built(overlay)
    for each in of_kind(objects, "Deployment", "StatefulSet", "PodDisruptionBudget"):
        component = workload(objects, each["metadata"]["labels"]["app.kubernetes.io/component"])
        assert selected(objects, each["spec"]["selector"]) == [name_of(component)]
    for each in of_kind(objects, "Service"):
        (target,) = selected(objects, {"matchLabels": each["spec"]["selector"]})
        (pods,) = [pods for pods in workloads(objects) if name_of(pods) == target]
        ports = {port["name"] for port in container_of(pods)["ports"]}
        assert {port["targetPort"] for port in each["spec"]["ports"]} <= ports


@overlays
def test_every_pod_that_serves_has_a_disruption_budget(overlay: str) -> None:
    """Draining a node stops one pod of a kind at a time, and is never blocked by a single pod."""
    objects = built(overlay)
    budgets = {name_of(each): each["spec"] for each in of_kind(objects, "PodDisruptionBudget")}
    assert budgets.keys() == {"hushpost-authority", "hushpost-edge", "hushpost-dashboard"}
    assert all(budget["maxUnavailable"] == 1 for budget in budgets.values())


@overlays
def test_stateful_sets_have_a_service_for_names(overlay: str) -> None:
    """The Service that names the pods of a StatefulSet has no address, and selects them."""
    objects = built(overlay)
    services = {name_of(each): each["spec"] for each in of_kind(objects, "Service")}
    for each in of_kind(objects, "StatefulSet"):
        service = services[each["spec"]["serviceName"]]
        assert service["clusterIP"] == "None"
        assert service["selector"].items() <= labels_of(each).items()


@overlays
def test_pods_are_spread(overlay: str) -> None:
    """Each kind of pod is spread over nodes and zones, by its own labels."""
    objects = built(overlay)
    for component in ("authority", "edge", "dashboard"):
        pods = workload(objects, component)
        constraints = pods["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert [each["topologyKey"] for each in constraints] == [
            "kubernetes.io/hostname",
            "topology.kubernetes.io/zone",
        ]
        for each in constraints:
            assert selected(objects, each["labelSelector"]) == [name_of(pods)]


@overlays
def test_policies_select_pods_and_name_their_ports(overlay: str) -> None:
    """Each NetworkPolicy applies to pods, and named ports are ports of all of them."""
    objects = built(overlay)
    for each in of_kind(objects, "NetworkPolicy"):
        names = selected(objects, each["spec"]["podSelector"])
        assert names, name_of(each)
        for rule in each["spec"].get("ingress", []):
            for pods in workloads(objects):
                if name_of(pods) in names:
                    ports = {port["name"] for port in container_of(pods)["ports"]}
                    assert {port["port"] for port in rule["ports"]} <= ports


@overlays
def test_everything_is_denied_by_default(overlay: str) -> None:
    """A policy without rules applies to every pod, also to those that are added later."""
    policies = {name_of(each): each["spec"] for each in of_kind(built(overlay), "NetworkPolicy")}
    assert policies["hushpost-deny-all"] == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
    }


@overlays
def test_only_authorities_and_the_job_may_reach_a_database(overlay: str) -> None:
    """Pods that readers reach cannot open connections to the port of PostgreSQL, wherever it is."""
    objects = built(overlay)
    policies = [
        each["spec"]["podSelector"]
        for each in of_kind(objects, "NetworkPolicy")
        for rule in each["spec"].get("egress", [])
        if 5432 in [port["port"] for port in rule["ports"]]
    ]
    (selector,) = policies
    assert sorted(selected(objects, selector)) == ["hushpost-authority", "hushpost-migrate"]


@overlays
def test_pods_connect_only_where_they_must(overlay: str) -> None:
    """The policies allow exactly the connections that Hushpost needs between its pods."""
    objects = built(overlay)
    pods = {labels_of(each)["app.kubernetes.io/component"]: each for each in workloads(objects)}
    found = {
        (source, target, port["containerPort"])
        for source in pods
        for target in pods
        for port in container_of(pods[target]).get("ports", [])
        if allowed(objects, pods[source], pods[target], port["containerPort"])
    }
    assert found == {each for each in CONNECTIONS if {*each[:2]} <= pods.keys()}


@overlays
@pytest.mark.parametrize("server", DNS)
def test_every_pod_may_ask_the_dns_of_common_clusters(overlay: str, server: str) -> None:
    """Queries need UDP, and long answers TCP."""
    objects = built(overlay)
    target, port = DNS[server]
    for pods in workloads(objects):
        for protocol in ("UDP", "TCP"):
            assert may_leave(objects, pods, target, protocol, port), name_of(pods)


@overlays
@pytest.mark.parametrize("other", NOT_DNS)
def test_no_pod_may_reach_what_is_no_dns(overlay: str, other: str) -> None:
    """The rules for DNS do not open other ports, addresses and namespaces."""
    objects = built(overlay)
    target, port = NOT_DNS[other]
    for pods in workloads(objects):
        for protocol in ("UDP", "TCP"):
            assert not may_leave(objects, pods, target, protocol, port), name_of(pods)


def test_a_database_outside_is_reached_by_its_network_only() -> None:
    """In production the address of the database is a network, which its operator enters."""
    policies = of_kind(built("overlays/production"), "NetworkPolicy")
    (policy,) = [each for each in policies if name_of(each) == "hushpost-database"]
    (rule,) = policy["spec"]["egress"]
    assert [each.keys() for each in rule["to"]] == [{"ipBlock"}]


def test_ingresses_lead_to_what_readers_need_and_to_nothing_else() -> None:
    """Pixels, links and pages are public; health and metrics are not."""
    objects = built("overlays/production")
    services = {name_of(each): each["spec"] for each in of_kind(objects, "Service")}
    public = {"hushpost-edge": OF_READERS, "hushpost-dashboard": OF_PEOPLE}
    for each in of_kind(objects, "Ingress"):
        (rule,) = each["spec"]["rules"]
        paths = rule["http"]["paths"]
        for path in paths:
            backend = path["backend"]["service"]
            ports = {port["name"] for port in services[backend["name"]]["ports"]}
            assert backend["name"] == name_of(each)
            assert backend["port"]["name"] in ports
        needed = public[name_of(each)]
        assert [path for path in needed if not leads(paths, path)] == []
        assert [path for path in INTERNAL if leads(paths, path)] == []
        assert [tls["hosts"] for tls in each["spec"]["tls"]] == [[rule["host"]]]


def leads(paths: list[Manifest], path: str) -> bool:
    """Return whether a path of an Ingress matches; prefixes match whole elements."""
    return any(
        path == each["path"]
        or (each["pathType"] == "Prefix" and path.startswith(f"{each['path'].rstrip('/')}/"))
        for each in paths
    )


def test_scaling_is_left_to_the_autoscaler() -> None:
    """It scales the Deployment of the authority, whose manifest sets no number of its own."""
    objects = built("overlays/production")
    (scaler,) = of_kind(objects, "HorizontalPodAutoscaler")
    target = scaler["spec"]["scaleTargetRef"]
    authority = workload(objects, "authority")
    assert (target["apiVersion"], target["kind"], target["name"]) == (
        authority["apiVersion"],
        authority["kind"],
        name_of(authority),
    )
    assert "replicas" not in authority["spec"]
    assert scaler["spec"]["minReplicas"] == 2
