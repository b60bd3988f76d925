"""Every setting there is, with its type, default and purpose: docs/configuration.md is made of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic import ValidationInfo as Info

from sync import config_values as values
from sync.config_values import Environment, Listen, LogFormat, LogLevel, MailServer, Network, Unfit, YesNo

_LEAST_KEY = 32
_LEAST_TOKEN = 16
_MOST_PROXIES = 5


def _in_sandbox(info: Info) -> bool:
    return bool(info.context and info.context["environment"] is Environment.SANDBOX)


def _base_url(value: str, info: Info) -> str:
    return value and values.base_url(value, plain_allowed=_in_sandbox(info))


def _link(value: str) -> str:
    return values.base_url(value, plain_allowed=True)


def _directory_url(value: str, info: Info) -> str:
    address = _base_url(value, info)
    return address and f"{address}/"


def _secret_url(value: SecretStr, info: Info) -> SecretStr:
    return SecretStr(values.https_url(value.get_secret_value(), plain_allowed=_in_sandbox(info)))


def _sendable(value: str) -> str:
    if not value.isascii() or not value.isprintable() or " " in value:
        raise Unfit("it holds a space or a character that cannot be sent", "copy it again, without blanks or line ends")
    return value


def _secret(value: SecretStr) -> SecretStr:
    return SecretStr(_sendable(value.get_secret_value()))


def _at_least(length: int) -> Callable[[SecretStr], SecretStr]:
    def check(value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < length:
            raise Unfit(f"it is shorter than {length} characters", "make one with: openssl rand -hex 32")
        return value

    return check


def _twilio_account(value: str, info: Info) -> str:
    if not _in_sandbox(info) and not value.startswith("AC"):
        raise Unfit(f"{values.shown(value)} is no account SID", "give the one that begins with AC")
    return _sendable(value)


def _with_own_store(stores: tuple[str, ...], info: Info) -> tuple[str, ...]:
    own = info.data.get("shopify_store_domain")
    if own and own not in stores:
        raise Unfit(f"the shop itself, {own}, is not among them", f"add {own}")
    return stores


def _for_holds_only(customer_id: str, info: Info) -> str:
    if customer_id == info.data.get("lightspeed_customer_id"):
        raise Unfit("it is also LIGHTSPEED_CUSTOMER_ID", "make a customer in Lightspeed that is used for nothing else")
    if info.data.get("lightspeed_employee_id") is None:
        raise Unfit("layaways need an employee", "set LIGHTSPEED_EMPLOYEE_ID, too")
    return customer_id


Number = Annotated[str, AfterValidator(values.number)]
Domain = Annotated[str, AfterValidator(values.store_domain)]
Url = Annotated[str, AfterValidator(_base_url)]
Link = Annotated[str, AfterValidator(_link)]
Plain = Annotated[str, AfterValidator(_sendable)]
Secret = Annotated[SecretStr, AfterValidator(_secret)]
SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
Place = Annotated[Listen, BeforeValidator(values.listen)]
Directory = Annotated[Path, BeforeValidator(values.directory)]
Stores = Annotated[tuple[str, ...], BeforeValidator(values.store_domains), AfterValidator(_with_own_store)]
Database = Annotated[values.DatabaseAddress, BeforeValidator(values.database_address)]
Proxies = Annotated[int, BeforeValidator(lambda value: values.count(value, most=_MOST_PROXIES))]
Networks = Annotated[tuple[Network, ...], BeforeValidator(values.networks)]


class StorefrontSettings(BaseModel):
    """Those settings that the storefront needs where it runs by itself, behind API Gateway."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    shopify_store_domain: Domain
    shopify_proxy_shared_secret: Secret
    shopify_proxy_shared_secret_previous: Secret | None = None
    allowed_shopify_stores: Stores
    database_url: Database
    storefront_proxies: Proxies = 1  # API Gateway
    storefront_allowed_networks: Networks | None = None
    public_url: Url | None = None


class Settings(BaseModel):
    """What the environment says, in the product's own terms; an empty address means the product's own sandbox."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    environment: Annotated[Environment, BeforeValidator(lambda value: values.word(value, Environment))] = Field(
        default=Environment.PRODUCTION, description="`sandbox` or `production`: which world to work in."
    )

    lightspeed_account_id: Number = Field(description="Lightspeed Retail account.")
    lightspeed_client_id: Plain = Field(description="OAuth client of the Lightspeed app.")
    lightspeed_client_secret: Secret = Field(description="Its secret.")
    lightspeed_refresh_token: Secret | None = Field(
        default=None,
        description="First refresh token. Lightspeed rotates it: the stored pair wins until another value is set here. "
        "Not needed once `lightspeed-sync connect lightspeed` has stored a pair.",
    )
    lightspeed_shop_id: Number = Field(description="Shop whose stock counts.")
    lightspeed_register_id: Number = Field(description="Register that online sales are posted to.")
    lightspeed_employee_id: Number | None = Field(default=None, description="Employee that online sales name.")
    lightspeed_payment_type_id: Number | None = Field(default=None, description="Payment type of online sales.")
    lightspeed_shipping_item_id: Number | None = Field(
        default=None, description="Item, without stock, for what online customers pay for shipping."
    )
    lightspeed_tax_item_id: Number | None = Field(
        default=None,
        description="Item, without stock, for the tax that Shopify collected, as a line of its own. Unset: Lightspeed "
        "works out the tax, and an order whose tax differs waits for a person.",
    )
    lightspeed_other_item_id: Number | None = Field(
        default=None,
        description="Item, without stock, for tips, fees, gift cards, refunds without goods, and goods of other "
        "locations.",
    )
    lightspeed_unlinked_item_id: Number | None = Field(
        default=None,
        description="Item, without stock, for the money of goods without a link. Unset: such an order waits for a "
        "person.",
    )
    lightspeed_customer_id: Number | None = Field(
        default=None, description="Customer that online sales are booked on. Unset: none."
    )
    lightspeed_holds_customer_id: Annotated[Number, AfterValidator(_for_holds_only)] | None = Field(
        default=None,
        description="Customer, used for nothing else, on whom online reservations are mirrored into Lightspeed as "
        "layaways. Unset: they are not. It needs `LIGHTSPEED_EMPLOYEE_ID`.",
    )
    lightspeed_layaway_lowers_stock: Annotated[YesNo, BeforeValidator(lambda value: values.word(value, YesNo))] = Field(
        default=YesNo.YES,
        description="`yes` or `no`: whether a layaway lowers Lightspeed's quantity on hand. The first one shows it; "
        "where it is otherwise, none is made.",
    )
    lightspeed_api_url: Url = Field(default="https://api.lightspeedapp.com", description="Where Lightspeed's API is.")
    lightspeed_auth_url: Url = Field(
        default="https://cloud.lightspeedapp.com", description="Where Lightspeed's sign-in is."
    )

    shopify_store_domain: Domain = Field(description="The shop's own domain, `NAME.myshopify.com`.")
    shopify_api_version: Annotated[str, AfterValidator(values.api_version)] = Field(
        default=values.SUPPORTED_API_VERSIONS[0],
        description=f"Version of Shopify's Admin API; supported: {', '.join(values.SUPPORTED_API_VERSIONS)}.",
    )
    shopify_admin_api_access_token: Secret | None = Field(
        default=None,
        description="Static Admin API token of a custom app; or set `SHOPIFY_CLIENT_ID` and `SHOPIFY_CLIENT_SECRET`.",
    )
    shopify_client_id: Plain | None = Field(default=None, description="App that signs in instead of a static token.")
    shopify_client_secret: Secret | None = Field(default=None, description="Its secret.")
    shopify_location_id: Annotated[str, AfterValidator(values.location)] = Field(
        description="Location that receives stock: its number, or `gid://shopify/Location/NUMBER`."
    )
    shopify_admin_url: Url = Field(default="", description="Where Shopify's Admin API is.")
    shopify_proxy_shared_secret: Secret = Field(description="Signs what comes through the app proxy.")
    shopify_proxy_shared_secret_previous: Secret | None = Field(
        default=None, description="The former one, still accepted while a rotation is under way."
    )
    shopify_webhook_secret: Secret = Field(description="Signs webhooks.")
    allowed_shopify_stores: Stores = Field(
        description="Shops that may ask through the app proxy, separated by commas; the shop itself is one of them."
    )

    state_dir: Directory = Field(default=Path("state"), description="Directory of everything that must survive.")
    database_url: Database = Field(
        description="The database: `sqlite:///FILE`, or `postgresql://USER:PASSWORD@HOST/DATABASE`.",
        json_schema_extra={"secret": True},
    )
    state_key: Annotated[Secret, AfterValidator(_at_least(_LEAST_KEY))] | None = Field(
        default=None, description=f"Encrypts stored tokens; at least {_LEAST_KEY} characters."
    )
    alerts_file: Directory = Field(default=Path("alerts.yaml"), description="Schedule, rules, routes and channels.")

    storefront_listen: Place = Field(default=Listen("127.0.0.1", 8080), description="Public listener, `HOST:PORT`.")
    storefront_proxies: Proxies = Field(
        default=0,
        description="How many proxies of our own stand between Shopify and that listener and add whom they heard to "
        "`X-Forwarded-For`; AWS API Gateway is one.",
    )
    storefront_allowed_networks: Networks | None = Field(
        default=None,
        description="Networks, separated by commas, that may connect to the outermost of these proxies, or to the "
        "listener itself. Unset: all.",
    )
    ops_listen: Place = Field(
        default=Listen("127.0.0.1", 9464), description="Private listener: status page, metrics, health."
    )
    ops_token: Annotated[Secret, AfterValidator(_at_least(_LEAST_TOKEN))] | None = Field(
        default=None, description=f"Opens `/api` of the private listener; at least {_LEAST_TOKEN} characters."
    )
    public_url: Url | None = Field(default=None, description="Our public https address, for webhook subscriptions.")
    ops_url: Link | None = Field(default=None, description="Address of the status page, for links in messages.")

    slack_bot_token: Secret | None = Field(default=None, description="Slack app that posts and updates messages.")
    slack_webhook_url: SecretUrl | None = Field(default=None, description="Slack incoming webhook, the simpler way.")
    slack_api_url: Annotated[str, AfterValidator(_directory_url)] = Field(
        default="https://slack.com/api/", description="Where Slack's API is."
    )
    slack_signing_secret: Secret | None = Field(default=None, description="Signs Slack's button callbacks.")
    smtp_url: Annotated[MailServer, BeforeValidator(values.mail_server)] | None = Field(
        default=None,
        description="Mail server: `smtp+starttls://USER:PASSWORD@HOST:587`, `smtps://…`, or `smtp://…` for loopback.",
        json_schema_extra={"secret": True},
    )
    smtp_ca_file: Directory | None = Field(
        default=None, description="Certificates to trust for the mail server, instead of the system's."
    )
    mail_from: Annotated[str, AfterValidator(values.mail_address)] | None = Field(
        default=None, description="Sender of mails."
    )
    twilio_account_sid: Annotated[str, AfterValidator(_twilio_account)] | None = Field(
        default=None, description="Twilio account that sends SMS."
    )
    twilio_auth_token: Secret | None = Field(default=None, description="Its token.")
    twilio_from: Annotated[str, AfterValidator(values.phone_number)] | None = Field(
        default=None, description="Number that SMS come from, such as `+12395550100`."
    )
    twilio_api_url: Url = Field(default="https://api.twilio.com", description="Where Twilio's API is.")
    heartbeat_url: SecretUrl | None = Field(default=None, description="Address that hears from us while all is well.")

    log_format: Annotated[LogFormat, BeforeValidator(lambda value: values.word(value, LogFormat))] | None = Field(
        default=None, description="`console` or `json`."
    )
    log_level: Annotated[LogLevel, BeforeValidator(lambda value: values.word(value, LogLevel))] = Field(
        default=LogLevel.INFO, description="`debug`, `info`, `warning` or `error`."
    )

    @property
    def own_sandbox(self) -> bool:
        """Tell whether the pretend services are ours to start."""
        return self.environment is Environment.SANDBOX and not self.lightspeed_api_url

    @property
    def shop_names(self) -> dict[str, str]:
        """Return whose state this is: the till's account and shop, the store and its location."""
        return {
            "account_id": self.lightspeed_account_id,
            "shop_id": self.lightspeed_shop_id,
            "store_domain": self.shopify_store_domain,
            "location_id": self.shopify_location_id,
        }

    @property
    def books_orders(self) -> bool:
        """Tell whether online orders become sales: whether the employee and the payment type for them are named."""
        return self.lightspeed_employee_id is not None and self.lightspeed_payment_type_id is not None
