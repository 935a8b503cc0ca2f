"""The dashboard's Prometheus metrics. No label names a key, a tenant or a campaign."""

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, generate_latest
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["ERRORS", "SIGN_INS", "WATCHERS", "metrics"]

SIGN_INS = Counter("hushpost_dashboard_sign_ins_total", "Attempts to sign in.", ["outcome"])
ERRORS = Counter("hushpost_dashboard_errors_total", "Pages that could not be shown.", ["reason"])
WATCHERS = Gauge("hushpost_dashboard_live_pages", "Pages that receive live updates.")


def metrics(_request: Request) -> Response:
    """Return the metrics in the Prometheus text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
