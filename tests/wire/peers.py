"""The other side of the sockets under test, and CURVE keys."""

import zmq

from ecgstream.settings import CurveSettings


def key_pair() -> tuple[str, str]:
    """A fresh public and secret key."""
    public, secret = zmq.curve_keypair()
    return public.decode(), secret.decode()


def server_settings() -> CurveSettings:
    """A server with fresh keys."""
    public, secret = key_pair()
    return CurveSettings(public_key=public, secret_key=secret)


def secure_client(socket: zmq.Socket, server_key: str) -> zmq.Socket:
    """Give a client socket fresh keys and the key it believes to be the server's."""
    socket.curve_publickey, socket.curve_secretkey = (key.encode() for key in key_pair())
    socket.curve_serverkey = server_key.encode()
    return socket


class Peers:
    """Sockets of the other side, all closed at the end of a test."""

    def __init__(self):
        self._context = zmq.Context()
        self._sockets: list[zmq.Socket] = []

    def socket(self, kind: int) -> zmq.Socket:
        """A fresh socket."""
        self._sockets.append(self._context.socket(kind))
        return self._sockets[-1]

    def close(self) -> None:
        """Close them all at once, whatever they still hold."""
        for socket in self._sockets:
            socket.close(linger=0)
        self._context.term()
