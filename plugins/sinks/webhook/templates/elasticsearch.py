"""Elasticsearch and OpenSearch: POST /_bulk, two lines per alert, and an answer for each.

`create` with the alert's id: an existing document (409) has arrived before, so a retry makes no second document. The
index or data stream is `mozu-alerts`, or the setting `index`; `format: ecs` makes documents in Elastic's own schema
(https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from mozu.core.api import Outcome, Rejected, Retry
from mozu.plugins.sinks.webhook.templates.builtin_template import BuiltinTemplate

_THERE_ALREADY: Final = 409
_WAITS: Final = frozenset({"cluster_block_exception", "security_exception"})
"""Types of errors that say nothing of the document: the index takes no writes for now (429 if the disk is full, 403 if
writes are blocked for a shrink, a clone or a repair), and the key may not write to the index (403)."""


def bulk_outcomes(body: bytes, count: int) -> Sequence[Outcome] | None:
    """Return the outcome of each item of a bulk response; None if the body is not a complete one."""
    try:
        answer = orjson.loads(body)
        items = answer["items"] if answer["errors"] else []
        if not answer["errors"]:
            return [None] * count
        found = [_outcome(next(iter(item.values()))) for item in items]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return None
    return found if len(found) == count else None


def _outcome(result: Mapping[str, Any]) -> Outcome:
    status = int(result["status"])
    if 200 <= status < 300 or status == _THERE_ALREADY:
        return None
    error = result.get("error")
    waits = isinstance(error, Mapping) and error.get("type") in _WAITS
    reason = f"{error.get('type')}: {error.get('reason')}" if isinstance(error, Mapping) else str(error)
    reason = f"the index answered {status}: {reason[:300]}"
    if status == 429 or status >= 500 or waits:
        return Retry(tried=status >= 500 and not waits, reason=reason)
    return Rejected(reason)


ELASTICSEARCH: Final = BuiltinTemplate(
    "${record}",
    ("ndjson",),
    "ApiKey",
    action=lambda index: {"create": {"_index": index or "mozu-alerts", "_id": "${uuid}"}},
    outcomes=bulk_outcomes,
    needs_json=True,
)
