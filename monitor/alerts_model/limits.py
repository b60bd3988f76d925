"""The limits that alerts.yaml may set, each with its meaning and default."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from monitor.alerts_model.fields import Count, Duration, Interval, Part, Share, Some

_SECOND = timedelta(seconds=1)


class BrakeSettings(Part):
    """Shares of the shop beyond which a pass waits for a person."""

    zero: Share = Field(default=0.10, description="Share of links that one pass may set to zero.")
    change: Share = Field(default=0.30, description="Share of links that one pass may change.")
    match: Share = Field(default=0.90, description="Least share of the SKUs of the last full reading that must match.")
    min_links: Count = Field(default=20, description="Nothing trips on fewer links or changes than this.")


class StockSettings(Part):
    """The limits of the stock decision."""

    order_lag: Interval = Field(default=timedelta(seconds=60), description="Longest time until an order is seen.")
    drift_limit: Count = Field(default=10, description="Units of unexplained difference corrected without a person.")
    hot_item_lags: Some = Field(default=5, description="Order lags after which steady upward drift counts.")
    unsettled_reads: Some = Field(default=3, description="Readings that a document on its way may hold a link back.")
    unsettled_lags: Some = Field(default=2, description="Order lags over which it may do so.")
    lightspeed_overlap: Interval = Field(
        default=timedelta(seconds=60), description="How far behind its watermark a Lightspeed reading begins."
    )
    shopify_overlap: Interval = Field(
        default=timedelta(minutes=5), description="The same for Shopify, whose search index lags behind."
    )
    book_before_cut_over: bool = Field(
        default=True, description="Whether orders from before going live are in Lightspeed's stock already."
    )
    brakes: BrakeSettings = BrakeSettings()


class OrderSettings(Part):
    """How orders are booked into Lightspeed."""

    quarantine: Interval = Field(
        default=timedelta(minutes=2),
        description="How long a sale without an answer is waited for before it may be made again; longer than "
        "Lightspeed may keep a request before it acts.",
    )
    look_again: Interval = Field(
        default=timedelta(seconds=5), description="Wait before a sale without an answer is looked for again."
    )
    first_wait: Interval = Field(
        default=timedelta(seconds=5), description="Wait before a failed order is tried again, doubled each time."
    )
    longest_wait: Interval = Field(default=timedelta(minutes=10), description="Cap of that wait.")


class ApiSettings(Part):
    """How calls to Lightspeed and Shopify are tried."""

    attempts: Some = Field(default=5, description="How often a reading is tried.")
    backoff: Duration = Field(default=timedelta(seconds=0.5), description="First wait, doubled each time, jittered.")
    longest_backoff: Interval = Field(default=timedelta(seconds=30), description="Cap of the wait.")
    longest_wait: Interval = Field(
        default=timedelta(minutes=2), description="A longer Retry-After is left to the next pass."
    )
    deadline: Interval = Field(default=timedelta(seconds=30), description="Longest time of one call, in all.")


class DeliverySettings(Part):
    """How messages are delivered."""

    backoff: Interval = Field(default=timedelta(seconds=5), description="First wait, doubled each time, jittered.")
    longest_backoff: Interval = Field(default=timedelta(minutes=15), description="Cap of the wait.")
    deadline: Interval = Field(default=timedelta(seconds=30), description="Longest time of one attempt.")
    expire: Interval = Field(
        default=timedelta(days=3),
        description="Age at which a message is given up; an end after ten times that, what still fires never.",
    )


class WebhookSettings(Part):
    """Webhooks from Shopify and what they set going."""

    pace: Interval = Field(
        default=_SECOND,
        description="Least time between two passes, or two looks at what arrived, that webhooks ask for.",
    )
    catalogue_pace: Interval = Field(
        default=timedelta(minutes=1), description="The same for readings of both catalogues."
    )
    check_interval: Interval = Field(default=timedelta(hours=1), description="How often subscriptions are checked.")
    largest: Some = Field(default=4 * 1024 * 1024, description="Bytes that a webhook may have.")
    attempts: Some = Field(default=10, description="How often what a webhook is about is tried to be read.")
    backoff: Interval = Field(default=timedelta(seconds=5), description="First wait, doubled each time.")
    longest_backoff: Interval = Field(default=timedelta(minutes=15), description="Cap of the wait.")


class StorefrontSettings(Part):
    """What one visitor of the shop may ask of us; a refusal is answered and changes nothing."""

    hold_for: Interval = Field(
        default=timedelta(minutes=15),
        description="How long units are held for a cart; a change extends it once, to twice this at most.",
    )
    cart_units: Some = Field(default=10, description="Units of one item that one cart may hold.")
    cart_holds: Some = Field(default=30, description="Reservations that one cart may have at a time.")
    client_holds: Some = Field(default=10, description="The same for one client, whatever its carts.")
    client_units: Some = Field(default=20, description="Units that one client may hold, of all items.")
    client_share: Share = Field(
        default=0.5, description="Share of one item's sellable units, rounded up, that one client may hold."
    )
    client_rate: Some = Field(default=5, description="Writing requests of one client a second, in the long run.")
    client_burst: Some = Field(default=20, description="Writing requests of one client at once.")
    rate: Some = Field(default=200, description="Writing requests of all clients a second, in the long run.")
    burst: Some = Field(default=400, description="Writing requests of all clients at once.")
    check_pace: Interval = Field(
        default=timedelta(seconds=15), description="Least time between two passes that shoppers' pages ask for."
    )


class HealthSettings(Part):
    """What the ops listener calls healthy."""

    ready_within: Interval = Field(default=timedelta(minutes=10), description="Oldest last success that is ready.")
    beat_within: Interval = Field(default=timedelta(seconds=30), description="Oldest heartbeat of the event loop.")
    drain: Interval = Field(default=timedelta(seconds=10), description="Longest time that stopping may take.")


class HistorySettings(Part):
    """How long the past is kept; `sync/storage/pruning.py` says of what."""

    keep: Interval = Field(default=timedelta(days=400), description="Age at which finished history is forgotten.")


class BackupSettings(Part):
    """How many backups are kept."""

    keep: Some = Field(default=14, description="Backups of each kind that are kept: daily, before a run, by hand.")


class Limits(Part):
    """Every other interval, cap and limit."""

    stock: StockSettings = StockSettings()
    orders: OrderSettings = OrderSettings()
    api: ApiSettings = ApiSettings()
    delivery: DeliverySettings = DeliverySettings()
    webhooks: WebhookSettings = WebhookSettings()
    storefront: StorefrontSettings = StorefrontSettings()
    health: HealthSettings = HealthSettings()
    history: HistorySettings = HistorySettings()
    backups: BackupSettings = BackupSettings()
