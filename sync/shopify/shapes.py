"""The shapes of Shopify's answers, one for each document; those of orders are in `order_shapes`.

Fields that we did not ask for never break them.
"""

from __future__ import annotations

from sync.shopify.wire import Connection, Moment, Price, Ref, UserError, Wire

# --- stock levels


class Quantity(Wire):
    """Units in one state; never touched: no moment."""

    name: str
    quantity: int
    updated_at: Moment | None


class Level(Wire):
    """One item's stock at our location."""

    is_active: bool
    updated_at: Moment
    quantities: list[Quantity]


class LevelOfItem(Level):
    """A level that names its item."""

    item: Ref


class LocationLevels(Wire):
    """A location's page of levels."""

    inventory_levels: Connection[LevelOfItem]


class LevelsChanged(Wire):
    """Answer to `LEVELS_CHANGED`; no location: it does not exist."""

    location: LocationLevels | None


class ItemWithLevel(Wire):
    """An inventory item; no level: never stocked at our location."""

    id: str
    inventory_level: Level | None


class LevelsOfItems(Wire):
    """Answer to `LEVELS_OF_ITEMS`, in the order of the ids; an unknown id's place is empty."""

    nodes: list[ItemWithLevel | None]


# --- variants


class Product(Wire):
    """The product of a variant."""

    id: str
    title: str
    status: str


class Item(Wire):
    """The inventory item of a variant."""

    id: str
    tracked: bool


class Variant(Wire):
    """One variant."""

    id: str
    title: str
    sku: str | None
    barcode: str | None
    price: Price
    updated_at: Moment
    product: Product
    inventory_item: Item


class VariantsById(Wire):
    """Answer to `VARIANTS_BY_ID`, in the order of the ids; a deleted one's place is empty."""

    nodes: list[Variant | None]


class VariantsChanged(Wire):
    """Answer to `VARIANTS_CHANGED`."""

    product_variants: Connection[Variant]


class NamedOption(Wire):
    """One option of a product."""

    name: str


class ChosenOption(Wire):
    """What a variant has of one option."""

    name: str
    value: str


class MediaCount(Wire):
    """How many pictures and other media."""

    count: int


class CollectionTitle(Wire):
    """One collection."""

    title: str


class CollectionTitles(Wire):
    """The collections that a product lies in."""

    nodes: list[CollectionTitle]


class ProductWithCard(Product):
    """A product with what is compared of it. No count of media: none was ever there."""

    description_html: str
    product_type: str
    tags: list[str]
    media_count: MediaCount | None
    options: list[NamedOption]
    collections: CollectionTitles


class VariantWithCard(Variant):
    """A variant with what is compared of it."""

    compare_at_price: Price
    selected_options: list[ChosenOption]
    product: ProductWithCard


class VariantCardsById(Wire):
    """Answer to `VARIANT_CARDS_BY_ID`, in the order of the ids; a deleted one's place is empty."""

    nodes: list[VariantWithCard | None]


class VariantCardsChanged(Wire):
    """Answer to `VARIANT_CARDS_CHANGED`."""

    product_variants: Connection[VariantWithCard]


# --- products


class ProductsById(Wire):
    """Answer to `PRODUCTS_BY_ID`, in the order of the ids; a deleted one's place is empty."""

    nodes: list[ProductWithCard | None]


class ProductVariants(Wire):
    """A product's page of variants."""

    variants: Connection[VariantWithCard]


class VariantsOfProduct(Wire):
    """Answer to `VARIANTS_OF_PRODUCT`; no product: it was deleted."""

    product: ProductVariants | None


class ProductByHandle(Wire):
    """Answer to `PRODUCT_BY_HANDLE`; none: the handle is free."""

    product_by_identifier: Ref | None


class CollectionRef(Wire):
    """One collection by its id."""

    id: str
    title: str


class Collections(Wire):
    """Answer to `COLLECTIONS`."""

    collections: Connection[CollectionRef]


class ProductPayload(Wire):
    """What came of a product's write."""

    product: Ref | None
    user_errors: list[UserError]


class ProductUpdated(Wire):
    """Answer to `UPDATE_PRODUCT`."""

    product_update: ProductPayload | None


class PricesUpdated(Wire):
    """Answer to `UPDATE_PRICES`."""

    product_variants_bulk_update: ProductPayload | None


class ProductCreated(Wire):
    """Answer to `CREATE_PRODUCT`."""

    product_set: ProductPayload | None


# --- bulk operations, writes, check


class StartPayload(Wire):
    """What came of starting an export."""

    bulk_operation: Ref | None
    user_errors: list[UserError]


class BulkStart(Wire):
    """Answer to `BULK_START`."""

    bulk_operation_run_query: StartPayload | None


class BulkOperation(Wire):
    """How far an export is; counts come as text. No url: no rows."""

    status: str
    error_code: str | None
    created_at: Moment
    object_count: str
    file_size: str | None
    url: str | None


class BulkPoll(Wire):
    """Answer to `BULK_POLL`."""

    bulk_operation: BulkOperation | None


class SetPayload(Wire):
    """What came of a stock write; no group without errors: nothing had to be changed."""

    inventory_adjustment_group: Ref | None
    user_errors: list[UserError]


class SetAvailable(Wire):
    """Answer to `SET_AVAILABLE`."""

    inventory_set_quantities: SetPayload | None


class Shop(Wire):
    """The shop we are signed in to."""

    myshopify_domain: str


class Scope(Wire):
    """A permission of ours."""

    handle: str


class Installation(Wire):
    """Our app in this shop."""

    access_scopes: list[Scope]


class LocationFacts(Wire):
    """The configured location."""

    name: str
    is_active: bool


class Refs(Wire):
    """Some ids."""

    nodes: list[Ref]


class CheckConnection(Wire):
    """Answer to `CHECK_CONNECTION`."""

    shop: Shop
    current_app_installation: Installation
    location: LocationFacts | None
    locations: Refs


class CountLocations(Wire):
    """Answer to `COUNT_LOCATIONS`."""

    locations: Refs


# --- webhooks


class SubscriptionNode(Wire):
    """One webhook subscription of our app."""

    id: str
    topic: str
    uri: str
    format: str
    filter: str | None
    include_fields: list[str]


class SubscriptionsListed(Wire):
    """Answer to `SUBSCRIPTIONS`."""

    webhook_subscriptions: Connection[SubscriptionNode]


class SubscribePayload(Wire):
    """What came of a new subscription."""

    webhook_subscription: Ref | None
    user_errors: list[UserError]


class Subscribed(Wire):
    """Answer to `SUBSCRIBE`."""

    webhook_subscription_create: SubscribePayload | None


class UnsubscribePayload(Wire):
    """What came of a subscription's end."""

    deleted_webhook_subscription_id: str | None
    user_errors: list[UserError]


class Unsubscribed(Wire):
    """Answer to `UNSUBSCRIBE`."""

    webhook_subscription_delete: UnsubscribePayload | None
