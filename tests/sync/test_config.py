"""Settings: what is taken, what is refused in which words, and that no secret is ever shown."""

from __future__ import annotations

import traceback
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.config import (
    NAMES,
    OLD_NAMES,
    ConfigurationError,
    Environment,
    Listen,
    LogFormat,
    LogLevel,
    MailSecurity,
    MailServer,
    Mistake,
    Settings,
    described,
    doubtful_names,
    load_settings,
)
from sync.config_values import DatabaseAddress
from sync.errors import Code

PG = "postgresql://sync:p%40ss@db"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "LIGHTSPEED_ACCOUNT_ID": "654321",
    "LIGHTSPEED_CLIENT_ID": "client",
    "LIGHTSPEED_CLIENT_SECRET": "ls-client-secret",
    "LIGHTSPEED_REFRESH_TOKEN": "ls-refresh-token",
    "LIGHTSPEED_SHOP_ID": "1",
    "LIGHTSPEED_REGISTER_ID": "2",
    "SHOPIFY_STORE_DOMAIN": "wtfswag.myshopify.com",
    "SHOPIFY_ADMIN_API_ACCESS_TOKEN": "shpat_real",
    "SHOPIFY_PROXY_SHARED_SECRET": "proxy-secret",
    "SHOPIFY_LOCATION_ID": "77",
}
SANDBOX = {"ENVIRONMENT": "sandbox"}
SECRETS = {
    "LIGHTSPEED_CLIENT_SECRET": "hunter2",
    "LIGHTSPEED_REFRESH_TOKEN": "hunter2",
    "SHOPIFY_ADMIN_API_ACCESS_TOKEN": "hunter2",
    "SHOPIFY_PROXY_SHARED_SECRET": "hunter2",
    "SHOPIFY_PROXY_SHARED_SECRET_PREVIOUS": "hunter2",
    "SHOPIFY_WEBHOOK_SECRET": "hunter2",
    "SLACK_BOT_TOKEN": "hunter2",
    "SLACK_SIGNING_SECRET": "hunter2",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/hunter2",
    "HEARTBEAT_URL": "https://hc.example/hunter2",
    "OPS_TOKEN": "hunter2" * 5,
    "STATE_KEY": "hunter2" * 5,
    "DATABASE_URL": "postgresql://sync:hunter2@db/shop",
}


def no_files(path: Path) -> str:
    raise FileNotFoundError(2, "No such file or directory", str(path))


def mistakes(environ: dict[str, str]) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, no_files)
    return caught.value.mistakes


def mistakes_of_files(environ: dict[str, str], name: str, file: Path) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ | {f"{name}_FILE": str(file)})
    return caught.value.mistakes


def the_mistake(environ: dict[str, str]) -> Mistake:
    (only,) = mistakes(environ)
    return only


def test_the_sandbox_needs_nothing_but_its_name() -> None:
    settings = load_settings(SANDBOX, no_files)

    assert settings.own_sandbox
    assert (settings.lightspeed_api_url, settings.shopify_admin_url, settings.slack_api_url) == ("", "", "")
    assert settings.lightspeed_account_id == "123456"
    assert settings.lightspeed_refresh_token is not None
    assert settings.lightspeed_refresh_token.get_secret_value() == "sandbox-refresh-token"
    assert settings.shopify_admin_api_access_token is not None
    assert settings.shopify_admin_api_access_token.get_secret_value() == "shpat_sandbox"
    assert settings.shopify_location_id == "gid://shopify/Location/1001"
    assert settings.shopify_store_domain == "wtfswag.myshopify.com"


def test_production_has_these_defaults() -> None:
    settings = load_settings(PRODUCTION, no_files)

    assert settings.environment is Environment.PRODUCTION
    assert not settings.own_sandbox
    assert settings.lightspeed_api_url == "https://api.lightspeedapp.com"
    assert settings.lightspeed_auth_url == "https://cloud.lightspeedapp.com"
    assert settings.shopify_admin_url == "https://wtfswag.myshopify.com"
    assert settings.shopify_api_version == "2026-10"
    assert settings.shopify_webhook_secret.get_secret_value() == "proxy-secret"
    assert settings.allowed_shopify_stores == ("wtfswag.myshopify.com",)
    assert settings.state_dir == Path("state")
    assert settings.database_url.url == "sqlite:///state/lightspeed-sync.db"
    assert settings.alerts_file == Path("alerts.yaml")
    assert settings.storefront_listen == Listen("127.0.0.1", 8080)
    assert settings.ops_listen == Listen("127.0.0.1", 9464)
    assert settings.slack_api_url == "https://slack.com/api/"
    assert settings.log_format is None
    assert settings.log_level is LogLevel.INFO


SALES_NAMES = (
    "LIGHTSPEED_EMPLOYEE_ID",
    "LIGHTSPEED_PAYMENT_TYPE_ID",
    "LIGHTSPEED_SHIPPING_ITEM_ID",
    "LIGHTSPEED_TAX_ITEM_ID",
    "LIGHTSPEED_OTHER_ITEM_ID",
    "LIGHTSPEED_UNLINKED_ITEM_ID",
    "LIGHTSPEED_CUSTOMER_ID",
)


@pytest.mark.parametrize("name", SALES_NAMES)
def test_what_sales_need_may_be_left_unset_and_is_a_number_otherwise(name: str) -> None:
    assert getattr(load_settings(PRODUCTION, no_files), name.lower()) is None
    assert getattr(load_settings(PRODUCTION | {name: "321"}, no_files), name.lower()) == "321"
    assert the_mistake(PRODUCTION | {name: "Shipping"}).name == name


def test_without_an_environment_it_is_production() -> None:
    assert {mistake.name for mistake in mistakes({})} == {
        "LIGHTSPEED_ACCOUNT_ID",
        "LIGHTSPEED_CLIENT_ID",
        "LIGHTSPEED_CLIENT_SECRET",
        "LIGHTSPEED_REFRESH_TOKEN",
        "LIGHTSPEED_SHOP_ID",
        "LIGHTSPEED_REGISTER_ID",
        "SHOPIFY_STORE_DOMAIN",
        "SHOPIFY_ADMIN_API_ACCESS_TOKEN",
        "SHOPIFY_LOCATION_ID",
        "SHOPIFY_PROXY_SHARED_SECRET",
    }


@pytest.mark.parametrize("name", [name for name in PRODUCTION if name != "ENVIRONMENT"])
def test_each_needed_setting_is_missed_by_its_name(name: str) -> None:
    mistake = the_mistake({key: value for key, value in PRODUCTION.items() if key != name})

    assert (mistake.name, mistake.code) == (name, Code.CF001)


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_settings() -> None:
    environ = PRODUCTION | {
        "LOG_LEVEL": "loud",
        "OPS_LISTEN": "9464",
        "SHOPIFY_API_VERSION": "2024-04",
        "SHOPIFY_STORE_URL": "wtfswag.myshopify.com",
        "TWILIO_FROM": "+12395550100",
    }
    del environ["LIGHTSPEED_SHOP_ID"]

    assert [(mistake.code.name, mistake.name) for mistake in mistakes(environ)] == [
        ("CF001", "LIGHTSPEED_SHOP_ID"),
        ("CF005", "SHOPIFY_API_VERSION"),
        ("CF002", "OPS_LISTEN"),
        ("CF001", "TWILIO_ACCOUNT_SID"),
        ("CF001", "TWILIO_AUTH_TOKEN"),
        ("CF002", "LOG_LEVEL"),
        ("CF003", "SHOPIFY_STORE_URL"),
    ]


MALFORMED = {
    "ENVIRONMENT": "staging",
    "LIGHTSPEED_ACCOUNT_ID": "wtf",
    "LIGHTSPEED_CLIENT_SECRET": "a b",
    "LIGHTSPEED_REFRESH_TOKEN": "a b",
    "SHOPIFY_STORE_DOMAIN": "wtfswag.com",
    "SHOPIFY_ADMIN_API_ACCESS_TOKEN": "a b",
    "SHOPIFY_LOCATION_ID": "home",
    "ALLOWED_SHOPIFY_STORES": ",",
    "STATE_DIR": "a?b",
    "DATABASE_URL": "mysql://x",
    "SMTP_URL": "mail",
    "LOG_LEVEL": "loud",
}


@pytest.mark.parametrize("missing", [name for name in PRODUCTION if name != "ENVIRONMENT"])
@pytest.mark.parametrize("malformed", MALFORMED)
def test_a_missing_setting_is_told_together_with_a_malformed_one(missing: str, malformed: str) -> None:
    environ = PRODUCTION | {malformed: MALFORMED[malformed]}
    if missing != malformed:
        del environ[missing]

    assert {missing, malformed} <= {mistake.name for mistake in mistakes(environ)}


def test_a_mistake_says_what_is_wrong_and_what_would_be_right() -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(PRODUCTION | {"SHOPIFY_API_VERSION": "2024-04"}, no_files)

    assert str(caught.value) == (
        "CF005 SHOPIFY_API_VERSION: '2024-04' is expired, or not a version we were verified with; "
        "supported: 2026-10 (the default is 2026-10)."
    )


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        pytest.param("ENVIRONMENT", "staging", Code.CF002, id="unknown environment"),
        pytest.param("LIGHTSPEED_ACCOUNT_ID", "wtf", Code.CF002, id="account that is no number"),
        pytest.param("LIGHTSPEED_SHOP_ID", "0", Code.CF002, id="shop 0 is the sum of all shops"),
        pytest.param("LIGHTSPEED_SHOP_ID", "1; DROP", Code.CF002, id="id with more behind it"),
        pytest.param("LIGHTSPEED_REFRESH_TOKEN", "two words", Code.CF002, id="secret with a blank"),
        pytest.param("LIGHTSPEED_REFRESH_TOKEN", "a\x00b", Code.CF002, id="secret with a control character"),
        pytest.param("LIGHTSPEED_API_URL", "http://api.lightspeedapp.com", Code.CF002, id="plain http"),
        pytest.param("PUBLIC_URL", "https://b\u00fccher.example", Code.CF002, id="host beyond ASCII"),
        pytest.param("LIGHTSPEED_API_URL", "api.lightspeedapp.com", Code.CF002, id="address without scheme"),
        pytest.param("LIGHTSPEED_API_URL", "https://", Code.CF002, id="address without host"),
        pytest.param("LIGHTSPEED_API_URL", "https://host:99999", Code.CF002, id="address with a port too high"),
        pytest.param("LIGHTSPEED_API_URL", "https://me:pw@host", Code.CF002, id="address with a password"),
        pytest.param("LIGHTSPEED_API_URL", "https://host/?a=1", Code.CF002, id="base address with a query"),
        pytest.param("SHOPIFY_STORE_DOMAIN", "wtfswag.com", Code.CF002, id="domain not from Shopify"),
        pytest.param("SHOPIFY_STORE_DOMAIN", "x.myshopify.com.evil.com", Code.CF002, id="domain with a tail"),
        pytest.param("SHOPIFY_API_VERSION", "2024-04", Code.CF005, id="expired API version"),
        pytest.param("SHOPIFY_API_VERSION", "unstable", Code.CF005, id="API version without promise"),
        pytest.param("SHOPIFY_LOCATION_ID", "gid://shopify/Product/1", Code.CF002, id="gid of another kind"),
        pytest.param("ALLOWED_SHOPIFY_STORES", ",", Code.CF002, id="empty list of shops"),
        pytest.param("ALLOWED_SHOPIFY_STORES", "other.myshopify.com", Code.CF002, id="list without the shop itself"),
        pytest.param("DATABASE_URL", "mysql://x/y", Code.CF002, id="another database"),
        pytest.param("DATABASE_URL", "postgresql://sync:p@ss@db/shop", Code.CF002, id="password not escaped"),
        pytest.param("DATABASE_URL", "postgresql://sync@db", Code.CF002, id="server without a database"),
        pytest.param("DATABASE_URL", "postgresql://db/shop?password=x", Code.CF002, id="password as a parameter"),
        pytest.param("STATE_KEY", "short", Code.CF002, id="key too short"),
        pytest.param("OPS_TOKEN", "guessable", Code.CF002, id="token too short"),
        pytest.param("STATE_DIR", "a?b", Code.CF002, id="directory that would change the database's address"),
        pytest.param("OPS_LISTEN", "9464", Code.CF002, id="listener without host"),
        pytest.param("OPS_LISTEN", "::1:9464", Code.CF002, id="IPv6 without brackets"),
        pytest.param("OPS_LISTEN", "127.0.0.1:65536", Code.CF002, id="port too high"),
        pytest.param("OPS_LISTEN", "127.0.0.1:²", Code.CF002, id="port in odd digits"),
        pytest.param("STOREFRONT_PROXIES", "6", Code.CF002, id="more proxies than anybody has"),
        pytest.param("STOREFRONT_PROXIES", "-1", Code.CF002, id="less than no proxy"),
        pytest.param("STOREFRONT_PROXIES", "１", Code.CF002, id="number in odd digits"),
        pytest.param("STOREFRONT_ALLOWED_NETWORKS", "10.0.0.1/8", Code.CF002, id="network with a host's bits"),
        pytest.param("STOREFRONT_ALLOWED_NETWORKS", "10.0.0.0/8,", Code.CF002, id="list of networks with a gap"),
        pytest.param("STOREFRONT_ALLOWED_NETWORKS", "shopify.com", Code.CF002, id="name for a network"),
        pytest.param("SLACK_WEBHOOK_URL", "http://hooks.slack.com/x", Code.CF002, id="secret address in the clear"),
        pytest.param("TWILIO_API_URL", "ftp://x", Code.CF002, id="another scheme"),
        pytest.param("HEARTBEAT_URL", "hc-ping", Code.CF002, id="heartbeat that is no address"),
        pytest.param("LOG_FORMAT", "xml", Code.CF002, id="unknown log format"),
        pytest.param("LIGHTSPEED_CLIENT_SECRT", "x", Code.CF003, id="almost a setting's name"),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, value: str, code: Code) -> None:
    environ = {key: text for key, text in PRODUCTION.items() if key != "LIGHTSPEED_CLIENT_SECRET"}
    environ |= {"LIGHTSPEED_CLIENT_SECRET": "s"} if name != "LIGHTSPEED_CLIENT_SECRT" else {}
    found = [mistake for mistake in mistakes(environ | {name: value}) if mistake.code is not Code.CF001]

    assert [(mistake.name, mistake.code) for mistake in found] == [(name, code)]
    assert found[0].problem
    assert found[0].remedy


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        pytest.param("SHOPIFY_LOCATION_ID", "77", "gid://shopify/Location/77", id="bare number"),
        pytest.param("SHOPIFY_LOCATION_ID", "gid://shopify/Location/77", "gid://shopify/Location/77", id="gid"),
        pytest.param("SHOPIFY_STORE_DOMAIN", "https://WTFswag.myshopify.com/", "wtfswag.myshopify.com", id="pasted"),
        pytest.param("LIGHTSPEED_API_URL", "https://host:8443/x/", "https://host:8443/x", id="slash at the end"),
        pytest.param("LIGHTSPEED_API_URL", "http://127.0.0.1:9", "http://127.0.0.1:9", id="plain on loopback"),
        pytest.param("LIGHTSPEED_API_URL", "http://[::1]:9", "http://[::1]:9", id="plain on IPv6 loopback"),
        pytest.param("SLACK_API_URL", "https://slack.example/api", "https://slack.example/api/", id="Slack's slash"),
        pytest.param("OPS_URL", "http://ops.internal:9464", "http://ops.internal:9464", id="plain link"),
        pytest.param("OPS_LISTEN", "[::1]:0", Listen("::1", 0), id="IPv6 listener on any port"),
        pytest.param("OPS_LISTEN", "0.0.0.0:9464", Listen("0.0.0.0", 9464), id="every address"),
        pytest.param("STOREFRONT_PROXIES", "1", 1, id="number"),
        pytest.param(
            "STOREFRONT_ALLOWED_NETWORKS",
            "198.51.100.0/24, 2001:db8::/32,192.0.2.7",
            (ip_network("198.51.100.0/24"), ip_network("2001:db8::/32"), ip_network("192.0.2.7/32")),
            id="networks",
        ),
        pytest.param("LOG_LEVEL", "DEBUG", LogLevel.DEBUG, id="word in capitals"),
        pytest.param("LOG_FORMAT", "json", LogFormat.JSON, id="log format"),
        pytest.param("STATE_DIR", "/var/lib/x y", Path("/var/lib/x y"), id="directory with a blank"),
        pytest.param("DATABASE_URL", "sqlite:////srv/x.db", DatabaseAddress("sqlite:////srv/x.db"), id="another file"),
        pytest.param("DATABASE_URL", f"{PG}/shop", DatabaseAddress(f"{PG}/shop", "p%40ss"), id="PostgreSQL"),
        pytest.param(
            "DATABASE_URL",
            "postgres:///shop?host=/run/pg",
            DatabaseAddress("postgres:///shop?host=/run/pg"),
            id="socket",
        ),
        pytest.param(
            "ALLOWED_SHOPIFY_STORES",
            "wtfswag.myshopify.com, Other.myshopify.com,",
            ("wtfswag.myshopify.com", "other.myshopify.com"),
            id="list of shops",
        ),
        pytest.param("TWILIO_FROM", " ", None, id="a blank counts as not set"),
    ],
)
def test_a_value_is_taken_in_every_form_people_write(name: str, value: str, expected: object) -> None:
    settings = load_settings(PRODUCTION | {name: value}, no_files)

    assert getattr(settings, name.lower()) == expected


def test_a_databases_password_is_never_written_out() -> None:
    settings = load_settings(PRODUCTION | {"DATABASE_URL": f"{PG}/shop"}, no_files)

    assert described(settings)["DATABASE_URL"] == "postgresql://sync:***@db/shop"
    assert "p%40ss" not in repr(settings)
    (mistake,) = mistakes(PRODUCTION | {"DATABASE_URL": "postgresql://sync:p@s3cret@db/shop"})
    assert "s3cret" not in str(mistake)


def test_the_database_stands_in_the_state_directory() -> None:
    settings = load_settings(PRODUCTION | {"STATE_DIR": "/var/lib/lightspeed-sync"}, no_files)

    assert settings.database_url.url == "sqlite:////var/lib/lightspeed-sync/lightspeed-sync.db"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param(
            "smtp+starttls://ops%40wtfswag.com:p%2Fw@mail.example.com",
            MailServer("mail.example.com", 587, MailSecurity.STARTTLS, "ops@wtfswag.com", "p/w"),
            id="STARTTLS, escapes, usual port",
        ),
        pytest.param(
            "smtps://u:p@mail.example.com:1465",
            MailServer("mail.example.com", 1465, MailSecurity.TLS, "u", "p"),
            id="TLS, own port",
        ),
        pytest.param("smtp://127.0.0.1:2525", MailServer("127.0.0.1", 2525, MailSecurity.NONE), id="plain on loopback"),
    ],
)
def test_a_mail_server_is_read_from_its_address(url: str, expected: MailServer) -> None:
    settings = load_settings(PRODUCTION | {"SMTP_URL": url, "MAIL_FROM": "stock@wtfswag.com"}, no_files)

    assert settings.smtp_url == expected


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("smtp://mail.example.com", id="plain over the network"),
        pytest.param("imap://mail.example.com", id="another protocol"),
        pytest.param("smtps://user@mail.example.com", id="user without password"),
        pytest.param("smtps://u:p@mail.example.com/inbox", id="path behind the host"),
        pytest.param("smtps://u:p@mail.example.com:x", id="port that is no number"),
        pytest.param("mail.example.com", id="host alone"),
    ],
)
def test_a_mail_server_that_cannot_be_is_refused(url: str) -> None:
    mistake = the_mistake(PRODUCTION | {"SMTP_URL": url, "MAIL_FROM": "stock@wtfswag.com"})

    assert (mistake.name, mistake.code) == ("SMTP_URL", Code.CF002)
    assert "smtp" in mistake.remedy or "address" in mistake.remedy


def test_settings_that_need_each_other_are_missed_together() -> None:
    environ = PRODUCTION | {"SMTP_URL": "smtps://u:p@mail.example.com", "TWILIO_AUTH_TOKEN": "t"}

    assert [(mistake.name, mistake.problem) for mistake in mistakes(environ)] == [
        ("MAIL_FROM", "SMTP_URL needs it"),
        ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN needs it"),
        ("TWILIO_FROM", "TWILIO_AUTH_TOKEN needs it"),
    ]


def test_a_client_takes_the_place_of_a_static_token() -> None:
    environ = PRODUCTION | {"SHOPIFY_CLIENT_ID": "app", "SHOPIFY_CLIENT_SECRET": "app-secret"}
    del environ["SHOPIFY_ADMIN_API_ACCESS_TOKEN"]

    settings = load_settings(environ, no_files)

    assert settings.shopify_admin_api_access_token is None
    assert settings.shopify_client_id == "app"


def test_a_client_beside_a_static_token_is_refused() -> None:
    mistake = the_mistake(PRODUCTION | {"SHOPIFY_CLIENT_ID": "app", "SHOPIFY_CLIENT_SECRET": "app-secret"})

    assert (mistake.name, mistake.code) == ("SHOPIFY_ADMIN_API_ACCESS_TOKEN", Code.CF002)


def test_a_client_takes_the_place_of_the_sandboxs_token_too() -> None:
    environ = SANDBOX | {"SHOPIFY_CLIENT_ID": "sandbox-app", "SHOPIFY_CLIENT_SECRET": "sandbox-app-secret"}

    assert load_settings(environ, no_files).shopify_admin_api_access_token is None


def test_a_stored_token_pair_makes_the_refresh_token_unnecessary() -> None:
    environ = {name: value for name, value in PRODUCTION.items() if name != "LIGHTSPEED_REFRESH_TOKEN"}

    settings = load_settings(environ, no_files, have={"LIGHTSPEED_REFRESH_TOKEN"})

    assert settings.lightspeed_refresh_token is None


def test_the_sandbox_talks_to_given_services_whatever_their_credentials_look_like() -> None:
    settings = load_settings(
        SANDBOX
        | {
            "LIGHTSPEED_API_URL": "http://10.0.0.5:9000",
            "LIGHTSPEED_AUTH_URL": "http://10.0.0.5:9001",
            "SHOPIFY_ADMIN_URL": "http://10.0.0.5:9002",
            "TWILIO_ACCOUNT_SID": "anything",
            "TWILIO_AUTH_TOKEN": "x",
            "TWILIO_FROM": "+12395550100",
        },
        no_files,
    )

    assert not settings.own_sandbox
    assert settings.shopify_admin_url == "http://10.0.0.5:9002"
    assert settings.slack_bot_token is None
    assert settings.slack_api_url == "https://slack.com/api/"


def test_half_a_sandbox_is_refused() -> None:
    found = mistakes(SANDBOX | {"LIGHTSPEED_API_URL": "http://10.0.0.5:9000"})

    assert [mistake.name for mistake in found] == ["LIGHTSPEED_AUTH_URL", "SHOPIFY_ADMIN_URL"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIGHTSPEED_API_KEY", "LIGHTSPEED_REFRESH_TOKEN"),
        ("SHOPIFY_API_KEY", "SHOPIFY_ADMIN_API_ACCESS_TOKEN"),
        ("SHOPIFY_PASSWORD", "SHOPIFY_ADMIN_API_ACCESS_TOKEN"),
        ("SHOPIFY_STORE_URL", "SHOPIFY_STORE_DOMAIN"),
    ],
)
def test_an_old_name_is_answered_with_the_new_one(old: str, new: str) -> None:
    mistake = the_mistake(PRODUCTION | {old: "something"})

    assert (mistake.name, mistake.code) == (old, Code.CF003)
    assert new in mistake.remedy
    assert "something" not in str(mistake)


def test_old_names_only_deserve_a_warning_in_the_sandbox() -> None:
    environ = SANDBOX | dict.fromkeys(OLD_NAMES, "x")

    assert load_settings(environ, no_files).own_sandbox
    assert [mistake.name for mistake in doubtful_names(environ)] == list(OLD_NAMES)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        pytest.param("LIGHTSPEED_ACOUNT_ID", "LIGHTSPEED_ACCOUNT_ID", id="a letter lost"),
        pytest.param("SHOPIFY_STORE_DOMIAN", "SHOPIFY_STORE_DOMAIN", id="letters swapped"),
        pytest.param("lightspeed_shop_id", "LIGHTSPEED_SHOP_ID", id="small letters"),
        pytest.param("SHOPIFY_LOCATION_IDS_FILE", "SHOPIFY_LOCATION_ID_FILE", id="a file's name"),
        pytest.param("SLACK_WEBHOK_URL", "SLACK_WEBHOOK_URL", id="a setting that may be left out"),
    ],
)
def test_a_slip_in_a_settings_name_is_answered_with_the_right_one(name: str, meant: str) -> None:
    setting = meant.removesuffix("_FILE")
    environ = {key: value for key, value in PRODUCTION.items() if key != setting} | {name: "something"}

    slips = [mistake for mistake in mistakes(environ) if mistake.code is Code.CF003]

    assert [mistake.name for mistake in slips] == [name]
    assert f"did you mean {meant}?" in slips[0].remedy
    assert doubtful_names(environ) == []


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        pytest.param("LIGHTSPEED_SHOP_IDS", "perhaps LIGHTSPEED_SHOP_ID is meant", id="beside the right name"),
        pytest.param("OPS_TOKN", "perhaps OPS_TOKEN is meant", id="a short name"),
        pytest.param("LIGHTSPEED_WEBSITE", "docs/configuration.md lists all there are", id="alike to none"),
        pytest.param("SHOPIFY_FLAG_STORE", "docs/configuration.md lists all there are", id="another program's"),
        pytest.param("SHOPIFY_APP_CLIENT_ID", "perhaps SHOPIFY_CLIENT_ID is meant", id="another program's, alike"),
    ],
)
def test_a_name_that_may_be_another_programs_is_warned_of_and_refuses_nothing(name: str, remedy: str) -> None:
    environ = PRODUCTION | {name: "something"}

    assert load_settings(environ, no_files).lightspeed_shop_id == "1"
    assert [(each.name, each.remedy) for each in doubtful_names(environ)] == [(name, remedy)]


def test_what_has_nothing_to_do_with_us_is_left_alone() -> None:
    names = ("PATH", "HOME", "STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "INVOCATION_ID", "HOSTNAME", "KUBERNETES_PORT")
    environ = PRODUCTION | dict.fromkeys(names, "something") | {"LIGHTSPEED_OLD": " "}

    assert load_settings(environ, no_files).lightspeed_shop_id == "1"
    assert doubtful_names(environ) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_may_come_from_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_text("\n", encoding="utf-8")

    environ = {} if name == "ENVIRONMENT" else SANDBOX

    assert f"{name}_FILE" in {mistake.name for mistake in mistakes_of_files(environ, name, file)}


def test_a_files_content_is_the_value_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("shpat_from_file\n", encoding="utf-8")
    environ = {name: value for name, value in PRODUCTION.items() if name != "SHOPIFY_ADMIN_API_ACCESS_TOKEN"}

    settings = load_settings(environ | {"SHOPIFY_ADMIN_API_ACCESS_TOKEN_FILE": str(file)})

    assert settings.shopify_admin_api_access_token is not None
    assert settings.shopify_admin_api_access_token.get_secret_value() == "shpat_from_file"


def test_an_unreadable_file_is_one_mistake_not_two() -> None:
    environ = {name: value for name, value in PRODUCTION.items() if name != "SHOPIFY_LOCATION_ID"}

    mistake = the_mistake(environ | {"SHOPIFY_LOCATION_ID_FILE": "/run/secrets/location"})

    assert (mistake.name, mistake.code) == ("SHOPIFY_LOCATION_ID_FILE", Code.CF002)
    assert mistake.problem == "'/run/secrets/location' cannot be read (no such file or directory)"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "binary"
    file.write_bytes(b"\xff\xfe\x00")

    (mistake,) = mistakes_of_files(SANDBOX, "OPS_TOKEN", file)

    assert mistake.name == "OPS_TOKEN_FILE"
    assert "is no text" in mistake.problem


def test_a_value_and_a_file_for_the_same_setting_are_refused() -> None:
    mistake = the_mistake(PRODUCTION | {"LIGHTSPEED_SHOP_ID_FILE": "/x"})

    assert (mistake.name, mistake.code) == ("LIGHTSPEED_SHOP_ID", Code.CF002)


@pytest.mark.parametrize("before", ["", "lightspeed-sync_"], ids=["a credential each", "a directory of them"])
def test_what_systemd_hands_over_is_a_value_too(before: str, tmp_path: Path) -> None:
    name = "SHOPIFY_ADMIN_API_ACCESS_TOKEN"
    environ = {key: value for key, value in PRODUCTION.items() if key != name}
    (tmp_path / f"{before}{name}").write_text("shpat_handed_over\n")
    (tmp_path / f"{before}LIGHTSPEED_SHOP_ID").write_text("99")  # what is set counts
    settings = load_settings(environ | {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert settings.shopify_admin_api_access_token is not None
    assert settings.shopify_admin_api_access_token.get_secret_value() == "shpat_handed_over"
    assert settings.lightspeed_shop_id == PRODUCTION["LIGHTSPEED_SHOP_ID"]


def test_an_empty_credential_is_told_by_its_settings_name(tmp_path: Path) -> None:
    (tmp_path / "OPS_TOKEN").write_text("\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(PRODUCTION | {"OPS_TOKEN": "", "CREDENTIALS_DIRECTORY": str(tmp_path)})
    (mistake,) = caught.value.mistakes
    assert (mistake.name, mistake.code) == ("OPS_TOKEN", Code.CF002)
    assert mistake.problem.endswith("is empty")


def test_certificates_that_cannot_be_read_are_refused() -> None:
    mistake = the_mistake(PRODUCTION | {"SMTP_CA_FILE": "/nowhere.pem"})

    assert (mistake.name, mistake.code) == ("SMTP_CA_FILE", Code.CF002)


def test_a_description_hides_every_secret() -> None:
    environ = SECRETS | {name: value for name, value in PRODUCTION.items() if name not in SECRETS}
    environ["SMTP_URL"] = "smtps://user:hunter2hunter2@mail.example.com"
    environ["MAIL_FROM"] = "stock@wtfswag.com"

    settings = load_settings(environ, no_files)
    told = f"{described(settings)} {settings!r} {settings}"

    assert "hunter2" not in told
    assert described(settings)["OPS_TOKEN"] == "(set, hidden)"
    assert described(settings)["OPS_URL"] == "(not set)"
    assert described(settings)["SMTP_URL"] == "smtps://user:***@mail.example.com:465"
    assert set(described(settings)) == set(NAMES)


@pytest.mark.parametrize("name", [*SECRETS, "SMTP_URL", "LIGHTSPEED_API_URL"])
def test_a_malformed_secret_stays_out_of_message_and_traceback(name: str) -> None:
    environ = PRODUCTION | {"MAIL_FROM": "stock@wtfswag.com", name: "http://me:hunter2 hunter2@x"}
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environ, no_files)

    assert name in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("LIGHTSPEED_ACCOUNT_ID", "shpat_0123", id="token as account"),
        pytest.param("SHOPIFY_LOCATION_ID", "xoxb-1-2-abc", id="Slack token as location"),
        pytest.param("SHOPIFY_STORE_DOMAIN", "0123456789abcdef0123456789abcdef", id="secret as domain"),
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(name: str, value: str) -> None:
    assert value not in "".join(str(mistake) for mistake in mistakes(PRODUCTION | {name: value}))


def test_settings_cannot_be_changed() -> None:
    settings = load_settings(SANDBOX, no_files)

    with pytest.raises(ValueError, match="frozen"):
        settings.lightspeed_shop_id = "2"  # type: ignore[misc]


@given(
    st.dictionaries(
        st.sampled_from([*NAMES, "SHOPIFY_STORE_URL", "SMTP_CA_FILE_FILE", "LIGHTSPEED_SHOP_IDS"]),
        st.one_of(
            st.text(max_size=30), st.sampled_from(["sandbox", "https://[", "smtp://%ff@", "a:b", "[::]:1", "~x"])
        ),
    )
)
def test_whatever_is_set_either_works_or_is_explained(environ: dict[str, str]) -> None:
    settings, error = outcome(environ)

    assert (settings is None) is (error is not None)
    if error is not None:
        assert all(mistake.problem and mistake.remedy for mistake in error.mistakes)
        assert len(str(error).splitlines()) == len(error.mistakes) > 0


def outcome(environ: dict[str, str]) -> tuple[Settings | None, ConfigurationError | None]:
    try:
        return load_settings(environ, no_files), None
    except ConfigurationError as error:
        return None, error
