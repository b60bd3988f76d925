"""What the values of settings mean: text in, small frozen values out, one sentence for each thing that can be wrong."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from sync.errors import Code

SUPPORTED_API_VERSIONS = ("2026-10",)
"""Versions of Shopify's Admin API that the product was verified with, newest first."""

_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_LOCATION = re.compile(r"(?:gid://shopify/Location/)?([1-9][0-9]*)")
_NUMBER = re.compile(r"[1-9][0-9]*")
_MAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
_SECRET_LIKE = re.compile(r"[A-Za-z0-9_+-]{24,}|shp[a-z]{2}_|xox[a-z]-|://[^/]*@")
_SHOWN = 80
_HIGHEST_PORT = 65535


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Unfit(ValueError):
    """A value that a setting cannot have: what is wrong with it, and what would be right."""

    def __init__(self, problem: str, remedy: str, code: Code = Code.CF002) -> None:
        self.problem = problem
        self.remedy = remedy
        self.code = code
        super().__init__(f"{problem}; {remedy}")


class Environment(StrEnum):
    """Which world the product works in."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class YesNo(StrEnum):
    """A switch."""

    YES = "yes"
    NO = "no"


class LogFormat(StrEnum):
    """How log lines are written."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important lines that are still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class MailSecurity(StrEnum):
    """How a connection to a mail server is protected, named by the scheme of SMTP_URL."""

    STARTTLS = "smtp+starttls"
    TLS = "smtps"
    NONE = "smtp"


MAIL_PORTS = {MailSecurity.STARTTLS: 587, MailSecurity.TLS: 465, MailSecurity.NONE: 25}


@dataclass(frozen=True, slots=True)
class Listen:
    """Where a listener waits; port 0 lets the system choose a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it the way it is set."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MailServer:
    """Who takes our mail, and as whom we sign in (empty user: without)."""

    host: str
    port: int
    security: MailSecurity
    username: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Write it the way it is set, without the password."""
        account = f"{self.username}:***@" if self.username else ""
        return f"{self.security.value}://{account}{Listen(self.host, self.port)}"


def shown(value: str) -> str:
    """Quote a value for people, safe for a terminal and short; a secret put into the wrong place stays hidden."""
    if _SECRET_LIKE.search(value):
        return "what is set (not shown, as it looks like a secret)"
    return ascii(value if len(value) <= _SHOWN else value[:_SHOWN] + "...")


def is_loopback(host: str) -> bool:
    """Tell whether `host` is this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def number(value: str) -> str:
    """Return one of Lightspeed's ids."""
    if not _NUMBER.fullmatch(value):
        raise Unfit(f"{shown(value)} is no Lightspeed id", "give its number, such as 123456")
    return value


def store_domain(value: str) -> str:
    """Return a shop's own domain, from what people paste for it."""
    domain = value.lower().removeprefix("https://").removeprefix("http://").rstrip("/")
    if not _DOMAIN.fullmatch(domain):
        raise Unfit(f"{shown(value)} is not the domain Shopify gave the shop", "give it as NAME.myshopify.com")
    return domain


def store_domains(value: str) -> tuple[str, ...]:
    """Return a comma separated list of shop domains, each once."""
    domains = dict.fromkeys(store_domain(part.strip()) for part in value.split(",") if part.strip())
    if not domains:
        raise Unfit("the list is empty", "give shop domains separated by commas, or remove the setting")
    return tuple(domains)


def api_version(value: str) -> str:
    """Return a version of Shopify's Admin API that we may use."""
    if value not in SUPPORTED_API_VERSIONS:
        versions = ", ".join(SUPPORTED_API_VERSIONS)
        raise Unfit(
            f"{shown(value)} is expired, or not a version we were verified with",
            f"supported: {versions} (the default is {SUPPORTED_API_VERSIONS[0]})",
            Code.CF005,
        )
    return value


def location(value: str) -> str:
    """Return Shopify's gid of a location, from the gid or the bare number."""
    match = _LOCATION.fullmatch(value)
    if match is None:
        raise Unfit(
            f"{shown(value)} is no Shopify location",
            "give its number (the end of the location's address in Shopify's admin) or gid://shopify/Location/NUMBER",
        )
    return f"gid://shopify/Location/{match[1]}"


def _split(value: str) -> SplitResult:
    """Take an address apart; `Unfit` where it cannot be, without repeating it, as it may hold a password."""
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError as error:
        raise Unfit("it is no address", "give a whole address, such as https://shop.example.com") from error
    if not parts.hostname or any(character.isspace() or not character.isprintable() for character in value):
        raise Unfit("it is no address", "give a whole address, such as https://shop.example.com")
    return parts


def https_url(value: str, *, plain_allowed: bool) -> str:
    """Return an https address without a slash at its end; plain http for this machine, or where it is allowed."""
    parts = _split(value)
    if parts.scheme not in ("http", "https"):
        raise Unfit("it is no https address", "give an address that begins with https://")
    if parts.scheme == "http" and not plain_allowed and not is_loopback(parts.hostname or ""):
        raise Unfit("it is not encrypted", "give an address that begins with https:// (http:// is for loopback only)")
    if parts.username is not None or parts.password is not None:
        raise Unfit("it holds a user name or password", "give the address alone; credentials have their own settings")
    if parts.fragment:
        raise Unfit("it has a part behind #", "leave that part out")
    return value.rstrip("/")


def base_url(value: str, *, plain_allowed: bool) -> str:
    """Return an address that paths can be added to."""
    address = https_url(value, plain_allowed=plain_allowed)
    if urlsplit(address).query:
        raise Unfit("it has a part behind ?", "leave that part out")
    if not address.isascii():
        raise Unfit(
            "it has letters that no request names a host or path with",
            "give the host as DNS has it, such as https://xn--bcher-kva.example, and paths with %-escapes",
        )
    return address


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > _HIGHEST_PORT:
        raise Unfit(f"{shown(text)} is no port", f"give HOST:PORT with a port from 0 to {_HIGHEST_PORT}")
    return int(text)


def listen(value: str) -> Listen:
    """Return HOST:PORT, an IPv6 host in brackets."""
    host, colon, port = value.rpartition(":")
    if not colon or not host:
        raise Unfit(f"{shown(value)} is not HOST:PORT", "give it such as 127.0.0.1:8080 or [::1]:8080")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise Unfit(f"{shown(value)} has an IPv6 address without brackets", "give it such as [::1]:8080")
    if not host or any(character.isspace() or character in "[]/@" for character in host):
        raise Unfit(f"{shown(value)} is not HOST:PORT", "give it such as 127.0.0.1:8080 or [::1]:8080")
    return Listen(host, _port(port))


def count(value: str, most: int) -> int:
    """Return a small whole number."""
    if not value.isascii() or not value.isdigit() or len(value) > len(str(most)) or int(value) > most:
        raise Unfit(f"{shown(value)} is no number from 0 to {most}", f"give a whole number from 0 to {most}")
    return int(value)


def networks(value: str) -> tuple[Network, ...]:
    """Return networks in CIDR notation, from a list separated by commas; a bare address is one by itself."""
    found = list[Network]()
    for part in (each.strip() for each in value.split(",")):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError as error:
            raise Unfit(
                f"{shown(part)} is no network", "give networks such as 198.51.100.0/24, separated by commas"
            ) from error
    return tuple(found)


def mail_server(value: str) -> MailServer:
    """Return what SMTP_URL says; the password may be written with %-escapes."""
    forms = "give smtp+starttls://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465"
    parts = _split(value)
    if parts.scheme not in set(MailSecurity):
        raise Unfit("it is no mail server's address", forms)
    security = MailSecurity(parts.scheme)
    host = parts.hostname or ""
    if security is MailSecurity.NONE and not is_loopback(host):
        raise Unfit("it is not encrypted, which is for loopback only", forms)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise Unfit("something stands behind the host", forms)
    if bool(parts.username) != bool(parts.password):
        raise Unfit("user and password belong together", forms)
    return MailServer(
        host,
        MAIL_PORTS[security] if parts.port is None else parts.port,
        security,
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )


def mail_address(value: str) -> str:
    """Return one bare mail address."""
    if not _MAIL.fullmatch(value):
        raise Unfit(f"{shown(value)} is no mail address", "give one address, such as stock@wtfswag.com")
    return value


def phone_number(value: str) -> str:
    """Return a telephone number in E.164 form."""
    if not _PHONE.fullmatch(value):
        raise Unfit(f"{shown(value)} is no telephone number", "give it with country code, such as +12395550100")
    return value


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the state is kept: `url` is for the library alone, since it may hold a password."""

    url: str = field(repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Write it the way it is set, without the password."""
        return self.url.replace(f":{self.password}@", ":***@", 1) if self.password else self.url


_SERVER = re.compile(
    r"postgres(?:ql)?://(?:[^\s:@/?#]+(?::(?P<password>[^\s:@/?#]*))?@)?[^\s@/?#]*/[^\s@/?#]+(?:\?[^\s#]*)?"
)


def database_address(value: str) -> DatabaseAddress:
    """Return the address of a SQLite file or of a PostgreSQL database; no mistake repeats what was given."""
    if re.fullmatch(r"sqlite:///[^?#]+", value):
        return DatabaseAddress(value)
    if value.startswith("postgres"):
        found = _SERVER.fullmatch(value)
        if found is None:
            raise Unfit(
                "it is not the address of a PostgreSQL database",
                "give postgresql://USER:PASSWORD@HOST/DATABASE, with %40 for @ and %2F for / in the password",
            )
        if "password=" in value:
            raise Unfit("it holds the password as a parameter", "give postgresql://USER:PASSWORD@HOST/DATABASE")
        return DatabaseAddress(value, found["password"] or "")
    raise Unfit(
        "it is neither the address of a SQLite file nor of a PostgreSQL database",
        "give sqlite:///PATH (four slashes for an absolute path) or postgresql://USER:PASSWORD@HOST/DATABASE",
    )


def directory(value: str) -> Path:
    """Return a path, with `~` for the user's home."""
    if not value.isprintable() or "?" in value or "#" in value:
        raise Unfit(f"{shown(value)} is no path we can use", "give a path without ?, # and invisible characters")
    try:
        return Path(value).expanduser()
    except RuntimeError as error:
        raise Unfit(f"{shown(value)} names a user without a home", "give the whole path") from error


def word(value: str, words: type[StrEnum]) -> str:
    """Return one of a few words, in whatever case it was written."""
    known = {member.value for member in words}
    if value.lower() not in known:
        raise Unfit(f"{shown(value)} is not known", f"give one of: {', '.join(member.value for member in words)}")
    return value.lower()
