"""Serves a world on loopback, inside the running loop: six HTTP servers and one for mail."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn

from sandbox.clock import Clock, RealClock
from sandbox.control import control_app
from sandbox.faults_http import ASGIApp
from sandbox.goods import Good
from sandbox.messages.certificate import make_certificate
from sandbox.messages.mail import mail_server
from sandbox.shopify.sender import PRETEND_ADDRESS
from sandbox.storefront.app import front_app
from sandbox.world import Addresses, World

_HOST = "127.0.0.1"
_DRAIN_SECONDS = 1  # what a request in flight gets when the servers stop


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen on 127.0.0.1; 0 takes a free port."""

    lightspeed: int = 0
    shopify: int = 0
    slack: int = 0
    sms: int = 0
    control: int = 0
    smtp: int = 0
    front: int = 0


@asynccontextmanager
async def serve(world: World, *, ports: Ports = Ports(), folder: Path | None = None) -> AsyncIterator[Addresses]:
    """Serve `world` and yield its addresses, which `world.settings()` then uses too.

    `folder` (None: a temporary one) takes the mail server's certificate. Signals are left alone. Raises OSError
    where a port is taken. People do not act by themselves here: see `run`.
    """
    async with AsyncExitStack() as stack:
        if folder is None:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="lightspeed-sync-sandbox-")))
        apps: dict[str, ASGIApp] = {**world.apps(), "control": control_app(world), "front": front_app(world.front)}
        listeners = {name: stack.enter_context(_listen(getattr(ports, name))) for name in apps}
        stack.push_async_callback(world.front.proxy.aclose)
        await _serve_http(stack, apps, listeners)
        certificate = make_certificate(folder, now=RealClock().now())
        smtp_port = await stack.enter_async_context(
            mail_server(world.mail, certificate.server_context(), port=ports.smtp)
        )
        urls = {name: f"http://{_HOST}:{listener.getsockname()[1]}" for name, listener in listeners.items()}
        before = world.addresses
        world.addresses = Addresses(**urls, smtp_port=smtp_port, smtp_ca_file=certificate.ca_file)
        try:
            yield world.addresses
        finally:
            world.addresses = before


async def run(
    goods: Sequence[Good],
    *,
    ready: Callable[[World, Addresses], None],
    ports: Ports = Ports(),
    seed: int = 1,
    clock: Clock | None = None,
    cashiers_per_hour: float = 0.0,
    shoppers_per_hour: float = 0.0,
    rate_limits: bool = True,
    registers: int = 1,
    index_lag_seconds: float = 0.0,
    folder: Path | None = None,
    daemon: str = "http://127.0.0.1:8080",
) -> None:
    """Open a world with `goods`, serve it and let its people trade until cancelled; prints nothing.

    `daemon` is where webhooks are sent and where the app proxy leads. `ready` is called once, when everything answers.
    Raises OSError where a port is taken and ValueError for an impossible pace.
    """
    world = World(
        goods,
        clock=clock or RealClock(),
        seed=seed,
        rate_limits=rate_limits,
        registers=registers,
        index_lag_seconds=index_lag_seconds,
    )
    world.webhooks.hosts[PRETEND_ADDRESS] = daemon
    world.cashiers.per_hour = cashiers_per_hour
    world.shoppers.per_hour = shoppers_per_hour
    async with serve(world, ports=ports, folder=folder) as addresses, asyncio.TaskGroup() as people:
        people.create_task(world.cashiers.run(), name="cashiers")
        people.create_task(world.shoppers.run(), name="shoppers")
        people.create_task(world.webhooks.run(), name="webhooks")
        ready(world, addresses)


async def _serve_http(stack: AsyncExitStack, apps: dict[str, ASGIApp], listeners: dict[str, socket.socket]) -> None:
    """Start one server per app; all of them stop together, in parallel."""
    servers = [_Server(app, listeners[name]) for name, app in apps.items()]
    tasks = [
        asyncio.create_task(server.serve(), name=f"sandbox {name}") for server, name in zip(servers, apps, strict=True)
    ]

    async def stop() -> None:
        for server in servers:
            server.should_exit = True
        await asyncio.wait(tasks)  # unlike gather it leaves them to finish when we are cancelled meanwhile

    stack.push_async_callback(stop)
    for server, task in zip(servers, tasks, strict=True):
        await server.ready.wait()
        if task.done():
            task.result()


class _Server(uvicorn.Server):
    """A uvicorn server that is a guest in somebody's loop: no signals, no logs of its own, no exit."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                ws="none",
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=_DRAIN_SECONDS,
            )
        )
        self._listener = listener
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave SIGINT and SIGTERM to the program we are part of."""
        yield

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve on our own listener until `should_exit`."""
        try:
            await super().serve(sockets=[self._listener])
        finally:
            self.ready.set()  # nobody waits for a server that failed

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when requests are answered."""
        await super().startup(sockets=sockets)
        self.ready.set()


@contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    """Yield a bound socket; binding it ourselves turns a taken port into an OSError instead of an exit."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_HOST, port))
        except OSError as error:
            raise OSError(error.errno, f"port {port} of {_HOST} is taken: {error.strerror}") from error
        yield listener
