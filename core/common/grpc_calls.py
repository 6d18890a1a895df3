"""Calls of gRPC over a unix socket: unary calls and streams of answers, messages as bytes, without generated code.

Why grpclib: docs/adr/0040. It is imported with this module: only if there is a socket.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Final

from grpclib.client import Channel, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from mozu.core.common.backoff import Backoff
from mozu.core.common.unix_socket import Unimplemented, socket_identity

_RETRY_INTERVALS: Final = (0.5, 5.0)
"""First and longest seconds for which a server that did not answer in time is not asked, and after which one call tries
it again: every other call would wait as long."""
_MAX_CALLS: Final = 16
"""The most calls at the same time."""

_STATUS: Final[Mapping[Status, type[OSError]]] = {Status.PERMISSION_DENIED: PermissionError}


class _Bytes(CodecBase):
    """A codec that leaves messages unchanged."""

    __content_subtype__ = "proto"

    def encode(self, message: object, message_type: object) -> bytes:
        assert isinstance(message, bytes)
        return message

    def decode(self, data: bytes, message_type: object) -> bytes:
        return data


class GrpcCalls:
    """A client of one server. `timeout` (seconds) bounds every call; the first one connects, and the connection is made
    anew if the socket has been replaced.

    Calls raise OSError (TimeoutError, Unimplemented and other ConnectionErrors included) if the server is absent, slow,
    stops in the middle or refuses.
    """

    def __init__(self, socket: Path, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.socket = socket
        self._timeout = timeout
        self._channel: Channel | None = None
        self._identity: tuple[int, int] | None = None
        self._backoff = Backoff(*_RETRY_INTERVALS, jitter=0.0, clock=clock)
        self._is_silent = self._is_tried = False
        """True if the server did not answer in time; one call then tries whether it does again."""
        self._calls = asyncio.Semaphore(_MAX_CALLS)

    def close(self) -> None:
        """Close the connection. Idempotent; the next call connects again."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    async def call(self, method: str, request: bytes, metadata: Mapping[str, str] | None = None) -> bytes | None:
        """Return the answer to one request; None for NOT_FOUND."""
        channel = self._connected()
        is_trial = self._is_silent
        if is_trial and (self._is_tried or self._backoff.left()):
            raise TimeoutError("it did not answer in time a moment ago")
        self._is_tried = is_trial
        unary: UnaryUnaryMethod[bytes, bytes] = UnaryUnaryMethod(channel, method, bytes, bytes)
        try:
            async with self._calls, asyncio.timeout(self._timeout):
                answer = await unary(request, metadata=dict(metadata or {}))
        except GRPCError as error:
            self._answered()
            if error.status is Status.NOT_FOUND:
                return None
            raise _as_os_error(error) from error
        except (StreamTerminatedError, ProtocolError) as error:
            raise ConnectionResetError(str(error) or type(error).__name__) from error
        except TimeoutError:
            self._backoff.failed()
            self._is_silent = True
            raise
        finally:
            if is_trial:
                self._is_tried = False
        self._answered()
        return answer

    async def answers(self, method: str, request: bytes) -> AsyncIterator[bytes]:
        """Yield the answers to one request, for as long as the server sends some."""
        many: UnaryStreamMethod[bytes, bytes] = UnaryStreamMethod(self._connected(), method, bytes, bytes)
        try:
            async with many.open() as stream:
                await stream.send_message(request, end=True)
                async for answer in stream:
                    yield answer
        except GRPCError as error:
            raise _as_os_error(error) from error
        except (StreamTerminatedError, ProtocolError) as error:
            raise ConnectionResetError(str(error) or type(error).__name__) from error

    def _answered(self) -> None:
        self._is_silent = False
        self._backoff.succeeded()

    def _connected(self) -> Channel:
        identity = socket_identity(self.socket)
        if self._channel is None or identity != self._identity:
            self.close()
            self._answered()
            self._channel, self._identity = Channel(path=str(self.socket), codec=_Bytes()), identity
        return self._channel


def _as_os_error(error: GRPCError) -> OSError:
    text = f"{error.status.name}: {error.message or 'it did not say why'}"
    if error.status is Status.UNIMPLEMENTED:
        return Unimplemented(text)
    return _STATUS.get(error.status, ConnectionError)(text)
