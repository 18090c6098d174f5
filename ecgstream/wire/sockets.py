"""ZeroMQ sockets: opening them (endpoints, CURVE, limits), waiting for them without a thread, closing them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import zmq

from ..errors import SettingsError
from ..settings import CurveSettings

LARGEST_FRAME_BYTES = 64 * 2**20
"""A peer that sends a larger frame is cut off; smaller oversize messages are read, refused and counted."""


def open_socket(
    kind: int,
    endpoints: Sequence[str],
    *,
    bind: bool,
    high_water_mark: int,
    curve: CurveSettings | None,
    section: str,
) -> tuple[zmq.Socket, tuple[str, ...]]:
    """A socket, in a context of its own, bound or connected to every endpoint; and the endpoints with ports filled in.

    Raises SettingsError, naming the settings ``section``, for an endpoint or a key that cannot be used.
    """
    socket = zmq.Context().socket(kind)
    try:
        _configure(socket, high_water_mark)
        if curve is not None:
            _secure(socket, curve, bind, section)
        return socket, tuple(_attach(socket, endpoint, bind, section) for endpoint in endpoints)
    except SettingsError:
        socket.context.destroy(linger=0)
        raise


class Readiness:
    """Waits for a socket on asyncio's own loop: no thread, and no cost per message.

    ZeroMQ's file descriptor tells of changes, not of state, and falls silent as soon as any call on the socket has seen
    the change. So wait only after a receive has found nothing, and ``wake`` the waiting task after every send.
    """

    def __init__(self, socket: zmq.Socket):
        self._descriptor = socket.get(zmq.FD)
        self._woken: asyncio.Future[None] | None = None

    async def wait(self) -> None:
        """Until there may be something to receive; one task at a time."""
        loop = asyncio.get_running_loop()
        self._woken = loop.create_future()
        loop.add_reader(self._descriptor, self.wake)
        try:
            await self._woken
        finally:
            loop.remove_reader(self._descriptor)

    def wake(self) -> None:
        """Let the waiting task, if there is one, look again."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)


async def close_socket(socket: zmq.Socket, linger_s: float) -> None:
    """Close a socket and its context; what was sent may still leave for ``linger_s``."""
    socket.close(linger=round(linger_s * 1000))
    await asyncio.to_thread(socket.context.term)


def _configure(socket: zmq.Socket, high_water_mark: int) -> None:
    socket.set_hwm(high_water_mark)
    socket.set(zmq.MAXMSGSIZE, LARGEST_FRAME_BYTES)
    # A cable pulled out sends no farewell: find out within half a minute, on both sides.
    socket.set(zmq.TCP_KEEPALIVE, 1)
    socket.set(zmq.TCP_KEEPALIVE_IDLE, 10)
    socket.set(zmq.TCP_KEEPALIVE_INTVL, 5)
    socket.set(zmq.TCP_KEEPALIVE_CNT, 3)


def _secure(socket: zmq.Socket, curve: CurveSettings, bind: bool, section: str) -> None:
    if not bind and curve.server_key is None:
        raise SettingsError(f"{section}.curve.server_key: a side that connects needs the other side's public key.")
    try:
        socket.set(zmq.CURVE_PUBLICKEY, curve.public_key.encode())
        socket.set(zmq.CURVE_SECRETKEY, curve.secret_key.get_secret_value().encode())
        if bind:
            socket.set(zmq.CURVE_SERVER, 1)
        else:
            socket.set(zmq.CURVE_SERVERKEY, curve.server_key.encode())
    except zmq.ZMQError as error:
        raise SettingsError(
            f"{section}.curve: a key is not 40 characters of Z85 text; make a pair with zmq.curve_keypair()."
        ) from error


def _attach(socket: zmq.Socket, endpoint: str, bind: bool, section: str) -> str:
    try:
        (socket.bind if bind else socket.connect)(endpoint)
    except zmq.ZMQError as error:
        does = "listen on" if bind else "connect to"
        raise SettingsError(
            f"{section}: cannot {does} {endpoint!r} ({zmq.strerror(error.errno)}); use a free tcp://ADDRESS:PORT or an "
            "ipc://PATH that this process may write."
        ) from error
    return socket.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
