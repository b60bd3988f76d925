"""What the public listener's seven routes answered, and how long that took."""

from __future__ import annotations

from itertools import product

from monitor.metrics.kinds import Kinds

ROUTES = ("inventory", "availability", "reserve", "release", "sync", "orders")
STATUSES = (200, 202, 304, 400, 401, 405, 409, 413, 429, 503)

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10)


class StorefrontMetrics:
    """Counts answers; every label is known beforehand, so that an answer costs two additions."""

    def __init__(self, kinds: Kinds) -> None:
        requests = kinds.counter("storefront_requests", "Answers of the storefront's routes.", "route", "status")
        seconds = kinds.histogram(
            "storefront_request_duration_seconds", "How long such an answer took to make.", _SECONDS, "route"
        )
        self._requests = {
            (route, status): requests.labels(route, str(status)) for route, status in product(ROUTES, STATUSES)
        }
        self._seconds = {route: seconds.labels(route) for route in ROUTES}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer of one of the routes."""
        self._requests[route, status].inc()
        self._seconds[route].observe(seconds)
