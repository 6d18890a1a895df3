from uuid import UUID

from mozu.core.model.alert import alert_id

TIME = 1_767_225_600_123_456_789


def test_the_same_event_and_rule_give_the_same_id() -> None:
    assert alert_id(TIME, "host/boot/run/1", "A rule") == alert_id(TIME, "host/boot/run/1", "A rule")


def test_another_event_or_rule_gives_another_id() -> None:
    ids = {alert_id(TIME, identity, rule) for identity in ("1", "2") for rule in ("a", "b")}
    assert 4 == len(ids)


def test_the_id_is_a_uuid_of_version_8_and_sorts_by_time() -> None:
    early, late = alert_id(TIME, "9", "z"), alert_id(TIME + 1_000_000, "1", "a")
    assert (8, "specified in RFC 4122", True) == (UUID(early).version, UUID(early).variant, early < late)


def test_the_first_48_bits_are_the_events_milliseconds() -> None:
    assert TIME // 1_000_000 == UUID(alert_id(TIME, "1", "a")).int >> 80
