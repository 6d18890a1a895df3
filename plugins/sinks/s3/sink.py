"""The sink `s3`: writes alerts as objects one after the other; the answers decide each alert's outcome."""

import asyncio
import gzip
import math
from collections.abc import Sequence
from typing import Final

from mozu.core.api import ChecksDestination, ConfigError, Context, Outcome, Record, Rejected, Retry
from mozu.core.common.alert_batches import AlertBatch, Batcher
from mozu.plugins.sinks.s3.answer import Fate, StorageAnswer
from mozu.plugins.sinks.s3.bucket import Bucket
from mozu.plugins.sinks.s3.object_key import folder, object_key
from mozu.plugins.sinks.s3.settings import S3Settings

_GZIP_LEVEL: Final = 6
_SPLIT_AFTER: Final = 3
"""Refusals of one object after which its alerts are blamed, and it is divided."""


def build(settings: S3Settings, context: Context) -> "S3Sink":
    """Build the sink. Raises ConfigError if a certificate cannot be used."""
    try:
        return S3Sink(settings, context)
    except ValueError as error:
        raise ConfigError([f"sink {context.id}: {error}"]) from None


class S3Sink(ChecksDestination):
    """Sink in which a rewritten object has the same alerts, and thus the same key."""

    def __init__(self, settings: S3Settings, context: Context) -> None:
        self._bucket = Bucket(settings)
        self._prefix, self._gzip, self._linger = settings.prefix, settings.gzip, settings.linger
        self._is_json = "json" in context.content_type
        self._most = settings.batch_records
        self._batcher = Batcher(
            settings.batch_records, settings.batch_bytes, lambda record: folder(settings.prefix, record)
        )
        base = settings.base()
        self._is_cleartext = base.scheme == "http" and base.host not in ("localhost", "127.0.0.1", "::1")
        self._log = context.log
        self._failing = False
        self._written_at = -math.inf
        """Time at which the last object was written, by the loop's clock."""
        self._objects = {fate: context.metrics.counter("s3_requests_total", fate=fate.value) for fate in Fate}

    async def start(self) -> None:
        """Open the session; an absent storage is noticed with the first alert."""
        self._bucket.open()
        if self._is_cleartext:
            self._log.warning("%s is plain http: others can read the alerts", self._bucket)

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Write the records as objects; return the outcome of each."""
        if 0 < len(records) < self._most:
            await self._pause()
        outcomes: dict[int, Outcome] = {}
        is_absent = False
        for batch in self._batcher.pack(records, [record.body for record in records]):
            if is_absent:
                self._postpone(batch, outcomes, tried=False, again=batch.tried)
            else:
                is_absent = await self._write(batch, outcomes)
        return [outcomes[record.stamp.sequence] for record in records]

    async def check(self) -> str | None:
        """Return the reason for which the storage cannot be used; None if it can, or if the access key may only
        write."""
        found = await self._bucket.look()
        return None if found.fate is Fate.WRITTEN or found.code == "AccessDenied" else found.reason

    async def stop(self) -> None:
        """Close connections. Idempotent."""
        await self._bucket.close()

    async def _pause(self) -> None:
        """Wait until `linger` has passed since the last object, so that more alerts are collected."""
        await asyncio.sleep(self._written_at + self._linger - asyncio.get_running_loop().time())

    async def _write(self, batch: AlertBatch, outcomes: dict[int, Outcome]) -> bool:
        """Write one object, or several smaller ones if it is refused. Return True if the storage is absent or refuses
        all."""
        suffix = (".jsonl" if self._is_json else ".log") + (".gz" if self._gzip else "")
        body = b"\n".join(batch.parts) + b"\n"
        if self._gzip:
            body = await asyncio.to_thread(gzip.compress, body, _GZIP_LEVEL, mtime=0)
        answer = await self._bucket.write(object_key(self._prefix, batch.records, suffix), body, self._content_type())
        self._objects[answer.fate].value += 1
        self._log_change(answer)
        batch.failures += answer.fate is Fate.BLAMED
        is_split = answer.fate is Fate.TOO_LARGE or batch.failures >= _SPLIT_AFTER
        if is_split and answer.fate is not Fate.WRITTEN and len(batch.records) > 1:
            one, other = batch.halves()
            if await self._write(one, outcomes):
                self._postpone(other, outcomes, tried=False, again=True)
                return True
            return await self._write(other, outcomes)
        if answer.fate is Fate.WRITTEN:
            self._written_at = asyncio.get_running_loop().time()
            outcomes.update(dict.fromkeys(batch.numbers()))
        elif answer.fate is Fate.TOO_LARGE:
            outcomes.update(dict.fromkeys(batch.numbers(), Rejected(answer.reason)))
        else:
            self._postpone(batch, outcomes, tried=is_split and answer.fate is Fate.BLAMED, again=True)
        return answer.fate is Fate.WAIT

    def _postpone(self, batch: AlertBatch, outcomes: dict[int, Outcome], *, tried: bool, again: bool) -> None:
        """Retry these alerts. `again`: the next object must have exactly these alerts, because this one may have been
        written."""
        outcomes.update(dict.fromkeys(batch.numbers(), Retry(tried=tried)))
        if again:
            self._batcher.remember(batch)

    def _content_type(self) -> str:
        if self._gzip:
            return "application/gzip"
        return "application/x-ndjson" if self._is_json else "text/plain; charset=utf-8"

    def _log_change(self, answer: StorageAnswer) -> None:
        """Log once when the storage begins to fail, and once when it works again."""
        failing = answer.fate in (Fate.WAIT, Fate.BLAMED)
        if failing and not self._failing:
            self._log.warning("%s: %s; alerts wait", self._bucket, answer.reason)
        elif self._failing and answer.fate is Fate.WRITTEN:
            self._log.info("%s takes objects again", self._bucket)
        self._failing = failing
