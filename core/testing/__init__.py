"""The kit for plugin authors: run a component as the core would, and check that it keeps the contract.

    from mozu.testing import alert, check_sink, context

    async def test_my_sink_keeps_the_contract():
        await check_sink(lambda: MySink(MySettings(), context("mine")))

`mozu.testing` is the name to import it by. pytest finds the fixtures `run_mozu`, `endpoint`, `recording_sink` and
`virtual_clock` by itself.
"""

from mozu.core.model.event import DataEvent
from mozu.core.testing.broken import BrokenContract
from mozu.core.testing.check_declaration import check_declaration
from mozu.core.testing.check_enricher import check_enricher
from mozu.core.testing.check_evaluator import check_evaluator
from mozu.core.testing.check_responder import check_responder
from mozu.core.testing.check_sink import check_sink
from mozu.core.testing.check_source import check_source
from mozu.core.testing.making import alert, context, data_event, event, process, records
from mozu.core.testing.recording_sink import RecordingSink
from mozu.core.testing.run_mozu import MozuRun, run_mozu
from mozu.core.testing.scripted_endpoint import HANGS, EndpointRequest, Reply, ScriptedEndpoint, scripted_endpoint

__all__ = [
    "HANGS",
    "BrokenContract",
    "DataEvent",
    "EndpointRequest",
    "MozuRun",
    "RecordingSink",
    "Reply",
    "ScriptedEndpoint",
    "alert",
    "check_declaration",
    "check_enricher",
    "check_evaluator",
    "check_responder",
    "check_sink",
    "check_source",
    "context",
    "data_event",
    "event",
    "process",
    "records",
    "run_mozu",
    "scripted_endpoint",
]
