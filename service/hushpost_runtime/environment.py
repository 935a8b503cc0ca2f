"""Finds misspelt environment variables of Hushpost."""

import re
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["VARIABLES", "misspelt_variables"]

VARIABLES = frozenset(
    (
        # Commands that call the authority
        "HUSHPOST_API_KEY",
        "HUSHPOST_AUTHORITY",
        # hushpost dashboard
        "HUSHPOST_DASHBOARD_CA_FILE",
        "HUSHPOST_DASHBOARD_CLIENT_CERTIFICATE",
        "HUSHPOST_DASHBOARD_CLIENT_KEY",
        "HUSHPOST_DASHBOARD_DRAIN_SECONDS",
        "HUSHPOST_DASHBOARD_INSECURE",
        "HUSHPOST_DASHBOARD_LISTEN",
        "HUSHPOST_DASHBOARD_LOG_LEVEL",
        "HUSHPOST_DASHBOARD_SESSION_KEY_FILE",
        "HUSHPOST_DASHBOARD_TLS",
        "HUSHPOST_DASHBOARD_TRUSTED_PROXIES",
        # hushpost edge
        "HUSHPOST_EDGE_API_KEY",
        "HUSHPOST_EDGE_API_KEY_FILE",
        "HUSHPOST_EDGE_APPLE_APP_SITE_ASSOCIATION",
        "HUSHPOST_EDGE_ASK_LISTEN",
        "HUSHPOST_EDGE_ASSETLINKS",
        "HUSHPOST_EDGE_CA_FILE",
        "HUSHPOST_EDGE_CLIENT_CERTIFICATE",
        "HUSHPOST_EDGE_CLIENT_KEY",
        "HUSHPOST_EDGE_DATA_DIR",
        "HUSHPOST_EDGE_DRAIN_SECONDS",
        "HUSHPOST_EDGE_LISTEN",
        "HUSHPOST_EDGE_LOG_LEVEL",
        "HUSHPOST_EDGE_PREFETCH_RANGES",
        "HUSHPOST_EDGE_PROXY_RANGES",
        "HUSHPOST_EDGE_REPEAT_WINDOW_SECONDS",
        "HUSHPOST_EDGE_SCANNER_RANGES",
        "HUSHPOST_EDGE_SPOOL_BYTES",
        "HUSHPOST_EDGE_TLS",
        "HUSHPOST_EDGE_TRUSTED_PROXIES",
        "HUSHPOST_EDGE_VERDICTS",
        "HUSHPOST_EDGE_WORKERS",
        # hushpost serve
        "HUSHPOST_ALLOW_EXACT",
        "HUSHPOST_CONNECTIONS",
        "HUSHPOST_CPU",
        "HUSHPOST_DATABASE_URL",
        "HUSHPOST_DATA_DIR",
        "HUSHPOST_DNS_SERVER",
        "HUSHPOST_EDGE_HOST",
        "HUSHPOST_HEALTH_LISTEN",
        "HUSHPOST_INSECURE",
        "HUSHPOST_KEYRING",
        "HUSHPOST_LISTEN",
        "HUSHPOST_LOG_LEVEL",
        "HUSHPOST_MAX_CALLS",
        "HUSHPOST_MAX_CONNECTION_SECONDS",
        "HUSHPOST_MAX_EPSILON",
        "HUSHPOST_MAX_QUEUED_EVENTS",
        "HUSHPOST_METRICS_LISTEN",
        "HUSHPOST_METRICS_SECONDS",
        "HUSHPOST_MIGRATE",
        "HUSHPOST_MTLS_LISTEN",
        "HUSHPOST_MTLS_ROLES",
        "HUSHPOST_OPT_OUT_STEP_SECONDS",
        "HUSHPOST_SHUTDOWN_SECONDS",
        "HUSHPOST_TLS_CERTIFICATE",
        "HUSHPOST_TLS_CLIENT_CA",
        "HUSHPOST_TLS_KEY",
        "HUSHPOST_TRANSPORT",
        "HUSHPOST_WORKERS",
    )
)
"""The variables of all commands: one environment may serve several of them."""

_OF_KUBERNETES = re.compile(
    r"HUSHPOST_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_[A-Z]+(_(PROTO|PORT|ADDR))?)?)"
)
"""Kubernetes describes a Service called `hushpost` or `hushpost-…` in such variables."""

_OF_TESTS = "HUSHPOST_TEST_"
"""Prefix of variables that configure the tests of Hushpost."""


def misspelt_variables(names: Iterable[str]) -> list[str]:
    """Return a message for each name that looks like a setting of Hushpost but is none.

    Args:
        names: The names of environment variables. Case does not matter.
    """
    return [_message(name) for name in sorted(names) if _is_misspelt(name.upper())]


def _is_misspelt(name: str) -> bool:
    return (
        name.startswith("HUSHPOST_")
        and name not in VARIABLES
        and not name.startswith(_OF_TESTS)
        and not _OF_KUBERNETES.fullmatch(name)
    )


def _message(name: str) -> str:
    variables = sorted(VARIABLES)
    longer = [variable for variable in variables if variable.startswith(name.upper())]
    nearest = longer or get_close_matches(name.upper(), variables, n=1)
    hint = f": did you mean {nearest[0]}?" if nearest else ""
    return f"the environment variable {name} is not a setting of any command{hint}"
