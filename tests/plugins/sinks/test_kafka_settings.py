"""Settings of the sink `kafka` that depend on one another, and the options of a producer made from them."""

import msgspec
import pytest
from pydantic import ValidationError

from mozu.core.common.kafka.producer import ProducerOptions
from mozu.plugins.sinks.kafka.settings import KafkaSettings
from mozu.plugins.sinks.kafka.sink import _options


def test_options_of_a_producer_have_the_defaults_of_the_settings() -> None:
    assert ProducerOptions() == _options(KafkaSettings())


def test_options_of_a_producer_are_those_of_the_settings() -> None:
    chosen = {
        "acks": "leader", "idempotence": False, "compression": "gzip", "linger": 0.5, "batch_bytes": 2048,
        "max_bytes": 4096, "create_topics": True, "partitions": 3, "replication_factor": 2,
    }  # fmt: skip
    assert chosen == msgspec.structs.asdict(_options(KafkaSettings.model_validate(chosen)))


def test_one_text_names_several_brokers() -> None:
    chosen = KafkaSettings.model_validate({"bootstrap_servers": "kafka-1:9092, kafka-2:9093"})
    assert chosen.bootstrap_servers == ("kafka-1:9092", "kafka-2:9093")


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"acks": "leader"}, "acks leader needs `idempotence: false`"),
        ({"security_protocol": "SASL_SSL"}, "the security protocol SASL_SSL needs `sasl`"),
        ({"sasl": {"user": "u", "password": "p"}}, "the security protocol PLAINTEXT does not use `sasl`"),
        ({"security_protocol": "SASL_SSL", "sasl": {"user": "u"}}, "SCRAM-SHA-512 needs user and password"),
        (
            {"security_protocol": "SASL_SSL", "sasl": {"mechanism": "OAUTHBEARER"}},
            "OAUTHBEARER needs one of token, token_file and token_url",
        ),
        (
            {"security_protocol": "SASL_SSL", "sasl": {"mechanism": "OAUTHBEARER", "token_url": "https://a/"}},
            "token_url needs client_id and client_secret",
        ),
        ({"bootstrap_servers": ["kafka"]}, "must be a host and a port"),
        ({"bootstrap_servers": ["kafka:0"]}, "must be a host and a port"),
        ({"bootstrap_servers": "kafka:9092,"}, "must be a host and a port"),
        ({"dead_letter_topic": "{rule}.dead"}, "dead letters go to one topic"),
        ({"topic": "a b"}, "a topic's name has 1 to 249 of the characters"),
        ({"topic": "{pid}"}, "{pid} is unknown"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_one_sentence(settings: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        KafkaSettings.model_validate(settings)
    (error,) = caught.value.errors()
    assert reason in error["msg"]
