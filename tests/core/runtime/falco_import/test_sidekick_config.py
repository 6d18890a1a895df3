"""Translation of falcosidekick's outputs to sinks."""

import json
from typing import Any

from mozu.core.runtime.falco_import.sidekick_config import SidekickTranslation


def sinks(**tree: Any) -> dict[str, Any]:
    """Return the sinks' settings by id."""
    found = [next(iter(sink.values())) for sink in SidekickTranslation(tree).sinks() if isinstance(sink, dict)]
    return {str(one["id"]): one for one in found if isinstance(one, dict)}


def test_chats_are_webhooks_with_their_template() -> None:
    found = sinks(Slack={"WebhookURL": "https://slack.example/x", "MinimumPriority": "Info"}, teams={"webhookurl": ""})

    assert ["slack"] == list(found)
    assert ("slack", {"priority": "informational"}) == (found["slack"]["template"], found["slack"]["route"])


def test_pagerduty_keeps_its_key_out_of_the_body() -> None:
    found = sinks(pagerduty={"routingKey": "k3y", "region": "eu"})["pagerduty"]

    assert {"routing_key": "k3y"} == found["body_secrets"]
    assert "https://events.eu.pagerduty.com/v2/enqueue" == found["url"]


def test_several_alertmanagers_are_several_sinks() -> None:
    tree = {"hostport": ["http://a:9093", "http://b:9093"], "customseveritymap": "critical:page,notice:info"}
    found = sinks(alertmanager=tree)

    assert ["http://a:9093/api/v2/alerts", "http://b:9093/api/v2/alerts"] == [one["url"] for one in found.values()]
    assert {"critical": "page", "notice": "info"} == found["alertmanager"]["levels"]


def test_the_index_of_elasticsearch_has_the_date_unless_it_is_said_otherwise() -> None:
    hostport = {"hostport": "https://e:9200/"}

    def found(**more: str) -> tuple[str, str]:
        sink = sinks(elasticsearch={**hostport, **more})["elasticsearch"]
        return sink["url"], sink["index"]

    assert ("https://e:9200/_bulk", "falco-$${year}.$${month}.$${day}") == found()
    assert ("https://e:9200/_bulk", "team") == found(index="team", suffix="none")
    monthly = found(pipeline="geo", suffix="monthly")
    assert ("https://e:9200/_bulk?pipeline=geo", "falco-$${year}.$${month}") == monthly


def test_kafka_with_its_credentials() -> None:
    tree = {"hostport": "a:9092,b:9092", "topic": "falco", "sasl": "SCRAM_SHA512", "tls": True, "username": "u",
            "password": "p", "requiredacks": "ONE", "compression": "SNAPPY"}  # fmt: skip
    found = sinks(kafka=tree)["kafka"]

    assert ["a:9092", "b:9092"] == found["bootstrap_servers"]
    assert {"mechanism": "SCRAM-SHA-512", "user": "u", "password": "p"} == found["sasl"]
    assert ("SASL_SSL", "leader", False) == (found["security_protocol"], found["acks"], found["idempotence"])
    assert "compression" not in found


def test_headers_keep_their_spelling_and_add_to_those_of_the_output() -> None:
    found = sinks(loki={"hostport": "http://l:3100/", "tenant": "t", "customHeaders": {"X-More": "1"}})["loki"]

    assert {"X-Scope-OrgID": "t", "X-More": "1"} == found["headers"]
    assert "http://l:3100/loki/api/v1/push" == found["url"]


def test_mutual_tls_has_the_files_of_the_folder() -> None:
    tree = {"webhook": {"address": "https://x.example", "mutualtls": True}, "mutualtlsfilespath": "/certs"}
    found = sinks(**tree)["webhook"]

    files = {"certificate": "/certs/client.crt", "key": "/certs/client.key", "ca": "/certs/ca.crt"}
    assert {**files, "system_ca": True} == found["tls"]


def test_an_output_without_equal_is_said_where_it_is_switched_on() -> None:
    translation = SidekickTranslation({"opsgenie": {"apikey": "k", "region": "eu"}, "redis": {"address": ""}})

    assert [] == translation.sinks()
    assert ["opsgenie"] == [note.partition(":")[0] for note in translation.notes]
    assert "k" not in json.dumps([note.partition(":")[0] for note in translation.notes])[1:3]
