"""Templates produce bodies that fit their receivers' published schemas, at every severity and with hostile names."""

import asyncio
import json
from typing import Any

import orjson
import pytest
from aiohttp import web
from pydantic import ValidationError

from mozu.core.api import Rejected, Retry, Severity
from mozu.core.cli import invoke
from mozu.core.errors import ConfigError
from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build
from mozu.plugins.sinks.webhook.templates import BUILTIN_TEMPLATES
from mozu.plugins.sinks.webhook.templates.elasticsearch import bulk_outcomes
from mozu.plugins.sinks.webhook.templates.otlp_logs import partial_success
from tests.support.https import Answers, Handler, serving

HOSTILE = '<!channel> @everyone [x](http://evil) "}],\\u0000\n' + "ö" * 9000
KEY = "R0UT1NGK3Y"
SEVERITIES = pytest.mark.parametrize("severity", list(Severity), ids=lambda one: one.name)


def made(template: str, severity: Severity, rule: str = HOSTILE, **more: Any) -> Any:
    """Return the body for one alert, parsed from JSON."""
    values: dict[str, Any] = {"proc.name": HOSTILE, "proc.pid": 42, "x": None}
    item = alert(rule, **values)
    item.priority = severity
    settings = WebhookSettings.model_validate({"url": "https://receiver.example/x", "template": template, **more})
    body = settings.parsed_body()
    assert body is not None
    (record,) = records(item)
    return json.loads(body.render(record))


@SEVERITIES
def test_slack(severity: Severity) -> None:
    found = made("slack", severity)

    header, section, footer = found["blocks"]
    assert ["header", "section", "context"] == [block["type"] for block in found["blocks"]]
    for text, most in ((header["text"], 150), (section["text"], 3000), (footer["elements"][0], 3000)):
        assert "plain_text" == text["type"]
        assert 1 <= len(text["text"]) <= most
    assert len(found["text"]) < 40_000
    assert not set("<>") & set(found["text"])


@SEVERITIES
def test_teams(severity: Severity) -> None:
    found = made("teams", severity)

    assert len(json.dumps(found).encode()) < 28_000 * 4
    (attachment,) = found["attachments"]
    assert "application/vnd.microsoft.card.adaptive" == attachment["contentType"]
    card = attachment["content"]
    assert ("AdaptiveCard", "1.4") == (card["type"], card["version"])
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {"TextRun"} == {run["type"] for run in runs}
    assert runs[0]["color"] in ("Attention", "Warning", "Accent")


@SEVERITIES
def test_discord(severity: Severity) -> None:
    found = made("discord", severity)

    (embed,) = found["embeds"]
    assert {"parse": []} == found["allowed_mentions"]
    assert len(embed["title"]) <= 256
    assert len(embed["description"]) <= 4096
    assert len(embed["footer"]["text"]) <= 2048
    assert sum(map(len, (embed["title"], embed["description"], embed["footer"]["text"]))) <= 6000
    assert 0 <= embed["color"] <= 0xFFFFFF


@SEVERITIES
def test_pagerduty(severity: Severity) -> None:
    found = made("pagerduty", severity, body_secrets={"routing_key": KEY})

    words = ("critical",) * 3 + ("error", "warning") + ("info",) * 3
    assert words[severity] == found["payload"]["severity"]
    assert (KEY, "trigger") == (found["routing_key"], found["event_action"])
    assert 1 <= len(found["dedup_key"]) <= 255
    assert 1 <= len(found["payload"]["summary"]) <= 1024
    assert 42 == found["payload"]["custom_details"]["proc.pid"]


def test_a_severity_can_be_another_word() -> None:
    found = made("pagerduty", Severity.NOTICE, body_secrets={"routing_key": KEY}, levels={"notice": "warning"})

    assert "warning" == found["payload"]["severity"]


@SEVERITIES
def test_loki(severity: Severity) -> None:
    found = made("loki", severity)

    assert all(isinstance(value, str) for value in found["stream"].values())
    ((time, line),) = found["values"]
    assert time.isdigit()
    assert HOSTILE == json.loads(line)["rule"]
    words = ("critical",) * 3 + ("error", "warning", "info", "info", "debug")
    assert words[severity] == found["stream"]["level"]


@SEVERITIES
def test_otlp_logs(severity: Severity) -> None:
    found = made("otlp_logs", severity)

    ((record,),) = [scope["logRecords"] for scope in found["scopeLogs"]]
    assert (21, 19, 18, 17, 13, 10, 9, 5)[severity] == record["severityNumber"]
    assert record["timeUnixNano"].isdigit()
    attributes = {one["key"]: one["value"] for one in record["attributes"]}
    assert {"intValue": "42"} == attributes["proc.pid"]
    assert {"stringValue": HOSTILE} == attributes["mozu.rule"]
    assert "x" not in attributes
    assert all(len(value) == 1 for value in attributes.values())


def says(status: int, text: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    return answer


def posted(template: str, count: int, *answers: Handler, **more: Any) -> tuple[list[Any], Answers]:
    """Return the outcomes of a delivery to a server that answers as asked, and the server."""

    async def scenario() -> tuple[list[Any], Answers]:
        server = Answers(answers)
        async with serving(server):
            settings = WebhookSettings.model_validate(
                {"url": server.url, "template": template, "allow_private": True, **more}
            )
            sink = build(settings, context(content_type="application/json"))
            await sink.start()
            items = [alert(f"Rule {number}") for number in range(count)]
            try:
                return list(await sink.deliver(records(*items))), server
            finally:
                await sink.stop()

    return asyncio.run(scenario())


def test_several_alerts_share_an_envelope() -> None:
    for template, key in (("loki", "streams"), ("otlp_logs", "resourceLogs")):
        outcomes, server = posted(template, 3, says(200, "{}"))
        assert [None] * 3 == outcomes
        (request,) = server.requests
        assert 3 == len(json.loads(request.body)[key])


def test_a_bulk_request_has_two_lines_an_alert_and_each_has_its_outcome() -> None:
    items = [
        {"create": {"status": 201}},
        {"create": {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "there"}}},
        {"create": {"status": 400, "error": {"type": "mapper_parsing_exception", "reason": "no date"}}},
        {"create": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "busy"}}},
        {"create": {"status": 503, "error": {"type": "unavailable", "reason": "shards"}}},
    ]
    outcomes, server = posted("elasticsearch", 5, says(200, json.dumps({"errors": True, "items": items})))

    (request,) = server.requests
    lines = [orjson.loads(line) for line in request.body.splitlines()]
    assert request.body.endswith(b"\n")
    assert 10 == len(lines)
    assert [{"create": {"_index": "mozu-alerts", "_id": lines[1]["uuid"]}}] == lines[:1]
    assert "application/x-ndjson" == request.headers["Content-Type"]
    assert [None, None] == outcomes[:2]
    assert outcomes[2] == Rejected("the index answered 400: mapper_parsing_exception: no date")
    assert [(False, "the index answered 429"), (True, "the index answered 503")] == [
        (one.tried, one.reason.partition(":")[0]) for one in outcomes[3:] if isinstance(one, Retry)
    ]


@pytest.mark.parametrize("status", [403, 429])
def test_an_index_whose_writes_are_blocked_or_forbidden_is_tried_again(status: int) -> None:
    error = {"type": "cluster_block_exception", "reason": "index [a] blocked by: [FORBIDDEN/8/index write (api)];"}
    denied = {"type": "security_exception", "reason": "action is unauthorized"}
    items = [{"create": {"status": status, "error": error}}, {"create": {"status": 403, "error": denied}}]
    blocked, refused = bulk_outcomes(json.dumps({"errors": True, "items": items}).encode(), 2) or ()
    reason = f"the index answered {status}: cluster_block_exception: {error['reason']}"
    assert Retry(tried=False, reason=reason) == blocked
    reason = "the index answered 403: security_exception: action is unauthorized"
    assert Retry(tried=False, reason=reason) == refused


@pytest.mark.parametrize("answer", ["", "[]", '{"errors": true}', '{"errors": true, "items": [{}]}', '{"errors": tru'])
def test_a_bulk_answer_that_does_not_say_all_is_no_answer(answer: str) -> None:
    assert bulk_outcomes(answer.encode(), 1) is None


def test_a_bulk_answer_without_errors_needs_no_items() -> None:
    assert [None, None] == bulk_outcomes(b'{"errors": false}', 2)


def test_a_collector_that_refuses_some_is_asked_again_for_each() -> None:
    refused = b'{"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "no"}}'

    assert partial_success(refused, 2) is None
    assert [Rejected("the collector refused it: no")] == partial_success(refused, 1)
    for good in (b"", b"{}", b"not json", b'{"partialSuccess": {}}'):
        assert [None, None] == partial_success(good, 2)


def test_a_template_that_needs_a_secret_says_so() -> None:
    with pytest.raises(ValueError, match="needs `body_secrets"):
        WebhookSettings.model_validate({"url": "https://x.example/", "template": "pagerduty"})


def test_an_index_is_named_by_a_setting_which_other_templates_do_not_have() -> None:
    _, server = posted("elasticsearch", 1, says(200, json.dumps({"errors": False})), index="team-${date}")

    (action, document) = [orjson.loads(line) for line in server.requests[0].body.splitlines()]
    assert f"team-{document['time'][:10]}" == action["create"]["_index"]
    for more in ({"template": "slack"}, {}):
        with pytest.raises(ValidationError, match="index means nothing without the template elasticsearch"):
            WebhookSettings.model_validate({"url": "https://x.example/", "index": "a", **more})
    with pytest.raises(ValidationError, match=r"'dat' at create\._index is not known"):
        WebhookSettings.model_validate({"url": "https://x.example/", "template": "elasticsearch", "index": "${dat}"})


def test_documents_of_an_index_must_be_json() -> None:
    settings = WebhookSettings.model_validate({"url": "https://x.example/", "template": "elasticsearch"})

    with pytest.raises(ConfigError, match="set `format: ecs` or json"):
        build(settings, context(content_type="text/plain"))


def test_a_secret_in_a_body_never_prints(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    body = {"routing_key": KEY, "auth": [{"Token": KEY}], "key": "${secret.a}", "text": "shown"}
    path = tmp_path / "mozu.yaml"
    hook = {"url": "https://x.example/", "body": body, "body_secrets": {"a": KEY}}
    path.write_text(json.dumps({"sinks": [{"webhook": hook}]}).replace("${", "$${"))

    assert 0 == invoke(["config", "show", "-c", str(path), "--defaults"])

    shown = capsys.readouterr().out
    assert KEY not in shown
    assert "shown" in shown
    assert KEY not in repr(WebhookSettings.model_validate(hook).model_dump(mode="json"))


def test_what_a_server_repeats_of_a_secret_of_the_body_is_hidden() -> None:
    outcomes, _ = posted("pagerduty", 1, says(400, f"bad {KEY}"), body_secrets={"routing_key": KEY})

    assert KEY not in outcomes[0].reason
    assert "bad ***" in outcomes[0].reason


def test_every_template_is_named_by_its_setting() -> None:
    for name in BUILTIN_TEMPLATES:
        more = {"body_secrets": {"routing_key": KEY}} if name == "pagerduty" else {}
        WebhookSettings.model_validate({"url": "https://x.example/", "template": name, **more})
