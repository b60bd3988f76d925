"""The two services and the public listener: whether they answer, how much quota is used, what fails and why."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.grafana.panels import Panel, Row, Unit
from monitor.grafana.queries import Query, age, newest, of, or_zero, per_second, quantile
from monitor.grafana.signal_panels import SignalPanels
from monitor.grafana.topics import Topic

_API = "$api"
_REQUESTS = of("api_requests_total", api=_API)
_FAILURES = of("api_failures_total", api=_API)


def services(signals: SignalPanels) -> Sequence[Row]:
    """Return its rows."""
    number = signals.number
    return [
        Row(
            "Right now",
            [
                number("lightspeed_down", "Lightspeed down"),
                number("shopify_down", "Shopify down"),
                number("error_rate", "Calls that fail"),
                number("quota_used", "Quota used"),
                number("token_expiry", "Sign-in ends in"),
                number("app_uninstalled", "App uninstalled"),
            ],
        ),
        Row("Calls", [_quota(), *_calls(signals)]),
        Row("Clocks and sign-in", _clocks(signals)),
        Row("Webhooks from Shopify", _webhooks()),
        Row("The storefront's listener", _storefront()),
    ]


def _quota() -> Panel:
    return Panel(
        title="Quota used, by service",
        about="How full each service's bucket is, by its own figures; at 1 it refuses calls, which are then made "
        "later. If it stays high, another app uses the same API client, or sync_interval is too short.",
        topic=Topic.SERVICES,
        queries=[Query(newest(of("api_quota_used_ratio", api=_API), "api"), "{{api}}")],
        unit=Unit.SHARE,
    )


def _calls(signals: SignalPanels) -> list[Panel]:
    return [
        signals.lines(
            "Share of calls that fail",
            [
                ("error_rate", "both"),
                ("lightspeed_error_rate", "Lightspeed"),
                ("shopify_error_rate", "Shopify"),
            ],
        ),
        Panel(
            title="Failures by code",
            about="Attempts at calls that failed, retries too, by the code that the log and the status page name too. "
            "`lightspeed-sync check connections` tries both shops and says what a code means.",
            topic=Topic.SERVICES,
            queries=[
                Query(or_zero(per_second(_FAILURES, "api", "code"), per_second(_REQUESTS, "api")), "{{api}} {{code}}")
            ],
            unit=Unit.PER_SECOND,
            stacked=True,
        ),
        Panel(
            title="Calls",
            about="Attempts at calls, retries too.",
            topic=Topic.SERVICES,
            queries=[Query(per_second(_REQUESTS, "api", "operation"), "{{api}} {{operation}}")],
            unit=Unit.PER_SECOND,
            stacked=True,
        ),
        Panel(
            title="How long 95% of the calls take",
            about="By service and operation, over 5 minutes. One that grows slowly here fails soon.",
            topic=Topic.SERVICES,
            queries=[
                Query(
                    quantile(0.95, "api_request_duration_seconds", "api", "operation", over="5m", api=_API),
                    "{{api}} {{operation}}",
                )
            ],
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Time since the last call that succeeded",
            about="A service that is merely not asked grows here too; one that is down shows above.",
            topic=Topic.SERVICES,
            queries=[Query(age(of("api_last_success_timestamp_seconds", api=_API), "api"), "{{api}}")],
            unit=Unit.SECONDS,
        ),
        signals.lines("Time without any answer", [("lightspeed_down", "Lightspeed"), ("shopify_down", "Shopify")]),
    ]


def _clocks(signals: SignalPanels) -> list[Panel]:
    return [
        signals.number("clock_skew", "Our clock is off by", width=8),
        Panel(
            title="Their clocks ahead of ours",
            about="How far a server's clock is surely ahead of ours; below zero it is behind. Let the machine set its "
            "clock by NTP.",
            topic=Topic.SERVICES,
            queries=[Query(newest(of("server_clock_ahead_seconds", api=_API), "api"), "{{api}}")],
            unit=Unit.SECONDS,
            below_zero=True,
        ),
        Panel(
            title="Our sign-in lasts for another",
            about="It is renewed by itself, which shows as a saw. Below zero: `lightspeed-sync connect lightspeed`.",
            topic=Topic.SERVICES,
            queries=[
                Query(f"min by (api) ({of('sign_in_expiry_timestamp_seconds', api=_API)}) - time()", "{{api}}"),
            ],
            unit=Unit.SECONDS,
            below_zero=True,
        ),
    ]


def _webhooks() -> list[Panel]:
    webhooks = of("webhooks_total")
    return [
        Panel(
            title="Webhooks by what became of them",
            about="`refused`: not signed by our app's secret, or of another shop. `dead`: could not be understood; "
            "polling finds what it was about. Nothing depends on webhooks but speed.",
            topic=Topic.SERVICES,
            queries=[Query(per_second(webhooks, "outcome"), "{{outcome}}")],
            unit=Unit.PER_SECOND,
            width=12,
        ),
        Panel(
            title="Webhooks by topic",
            about="What Shopify told us of. None at all while the shop is busy: is PUBLIC_URL set, and reachable?",
            topic=Topic.SERVICES,
            queries=[Query(per_second(webhooks, "topic"), "{{topic}}")],
            unit=Unit.PER_SECOND,
            width=12,
        ),
    ]


def _storefront() -> list[Panel]:
    requests = of("storefront_requests_total")
    return [
        Panel(
            title="Answers by status",
            about="429 and 409 are refusals that shoppers' pages understand; 503 is what they get while the state "
            "cannot be written. Whatever fails here, the shop goes on selling.",
            topic=Topic.SHOPPERS,
            queries=[Query(per_second(requests, "status"), "{{status}}")],
            unit=Unit.PER_SECOND,
            stacked=True,
        ),
        Panel(
            title="Answers by route",
            about="What shoppers' pages ask for.",
            topic=Topic.SHOPPERS,
            queries=[Query(per_second(requests, "route"), "{{route}}")],
            unit=Unit.PER_SECOND,
        ),
        Panel(
            title="How long 99% of the answers take",
            about="By route, over 5 minutes; without the way through Shopify.",
            topic=Topic.SHOPPERS,
            queries=[Query(quantile(0.99, "storefront_request_duration_seconds", "route", over="5m"), "{{route}}")],
            unit=Unit.SECONDS,
        ),
    ]
