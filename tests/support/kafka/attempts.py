"""The moments at which aiokafka tried to connect, recorded without a change of its behaviour."""

import time
from collections import Counter
from typing import Any

import aiokafka.client
import pytest


class Attempts:
    """A record of the connection attempts of all clients of this process, from its creation on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: list[float] = []
        connect = aiokafka.client.create_conn

        async def counted(*arguments: Any, **more: Any) -> Any:
            self.at.append(time.monotonic())
            return await connect(*arguments, **more)

        monkeypatch.setattr(aiokafka.client, "create_conn", counted)

    def busiest(self, since: float, window: float) -> int:
        """Return the highest count of attempts in a window of `window` seconds."""
        return max(Counter(int((at - since) / window) for at in self.at if at >= since).values(), default=0)
