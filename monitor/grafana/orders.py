"""Online orders on their way into Lightspeed, and what shoppers hold: what waits, for how long, and for whom."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.grafana.panels import Panel, Row, Unit
from monitor.grafana.queries import Query, grown, newest, of, per_second, quantile, total
from monitor.grafana.signal_panels import SignalPanels
from monitor.grafana.topics import Topic
from sync.order_records import FOR_A_PERSON, UNBOOKED


def orders(signals: SignalPanels) -> Sequence[Row]:
    """Return its rows."""
    number = signals.number
    return [
        Row(
            "Right now",
            [
                number("oldest_unposted_order_age", "Oldest unbooked order"),
                number("unposted_orders", "Orders that wait"),
                number("parked_orders", "Orders for a person"),
                number("dead_orders", "Dead orders"),
                number("duplicate_sales", "Doubled sales"),
                number("uningested_committed", "SKUs of unseen orders"),
            ],
        ),
        Row("Booking", _booking(signals)),
        Row("Reservations", _reservations(signals)),
    ]


def _booking(signals: SignalPanels) -> list[Panel]:
    booked = of("order_booking_seconds", "_count")
    return [
        signals.lines("Age of the oldest unbooked order", [("oldest_unposted_order_age", "oldest")]),
        Panel(
            title="Orders that wait, by state",
            about="By how far they have come. `unknown`: a sale was sent and nobody answered; it is looked up before "
            "it is made again. `lightspeed-sync orders list` shows them.",
            topic=Topic.ORDERS,
            queries=[Query(total(of("orders", state=[each.value for each in UNBOOKED]), "state"), "{{state}}")],
            stacked=True,
        ),
        Panel(
            title="Orders for a person, by state",
            about="`parked`: a person must look at them before they are booked. `dead`: they cannot be understood. "
            "`lightspeed-sync orders show NAME` says what each needs.",
            topic=Topic.ORDERS,
            queries=[Query(total(of("orders", state=[each.value for each in FOR_A_PERSON]), "state"), "{{state}}")],
            stacked=True,
        ),
        Panel(
            title="From an order to its sale in Lightspeed",
            about="Also from a later change of an order to the sale that follows it; over an hour. Nothing is drawn "
            "where nothing was booked.",
            topic=Topic.ORDERS,
            queries=[
                Query(quantile(share, "order_booking_seconds", over="1h"), legend)
                for share, legend in ((0.5, "half within"), (0.95, "95% within"), (0.99, "99% within"))
            ],
            unit=Unit.SECONDS,
        ),
        Panel(
            title="Sales made for orders",
            about="In the last hour, at each moment.",
            topic=Topic.ORDERS,
            queries=[Query(grown(booked, over="1h"), "sales in an hour")],
        ),
        Panel(
            title="All orders, by state",
            about="Every order on record.",
            topic=Topic.ORDERS,
            queries=[Query(total(of("orders"), "state"), "{{state}}")],
        ),
    ]


def _reservations(signals: SignalPanels) -> list[Panel]:
    number = signals.number
    recent = of("reservations_recent", which="made"), of("reservations_recent", which="ordered")
    return [
        number("active_holds", "Active reservations", width=6),
        number("held_units", "Units held", width=6),
        number("refused_holds", "Refused: too many", width=6),
        number("ordered_holds_share", "Share ordered", width=6),
        Panel(
            title="What reservations come to",
            about="Wishes for a reservation by their outcome, and reservations that ended. Many refusals for one "
            "reason and few orders: somebody hoards.",
            topic=Topic.SHOPPERS,
            queries=[Query(per_second(of("reservations_total"), "outcome"), "{{outcome}}")],
            unit=Unit.PER_SECOND,
        ),
        Panel(
            title="What is held",
            about="Reservations that hold stock, and the units that they hold. They end by themselves.",
            topic=Topic.SHOPPERS,
            queries=[
                Query(newest(of("reservations_active")), "reservations"),
                Query(newest(of("reservations_active_units")), "units"),
            ],
        ),
        Panel(
            title="Made and ordered",
            about="Reservations made in the last hour, and how many of them are ordered by now.",
            topic=Topic.SHOPPERS,
            queries=[Query(newest(recent[0]), "made"), Query(newest(recent[1]), "ordered")],
        ),
    ]
