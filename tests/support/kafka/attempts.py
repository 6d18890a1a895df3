"""When aiokafka tried to connect: a look over its shoulder that changes nothing."""

import time
from collections import Counter
from typing import Any

import aiokafka.client
import pytest


class Attempts:
    """From now on, of all clients of this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at: list[float] = []
        connect = aiokafka.client.create_conn

        async def counted(*arguments: Any, **more: Any) -> Any:
            self.at.append(time.monotonic())
            return await connect(*arguments, **more)

        monkeypatch.setattr(aiokafka.client, "create_conn", counted)

    def busiest(self, since: float, window: float) -> int:
        """The most in any one window of so many seconds."""
        return max(Counter(int((at - since) / window) for at in self.at if at >= since).values(), default=0)
