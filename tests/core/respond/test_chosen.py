"""The responders that act on an alert."""

from typing import Any

import pytest

from mozu.core.api import ResponderSettings
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.respond.chosen import ActiveResponder, chosen
from mozu.core.testing import alert


@pytest.mark.parametrize(
    "settings", [{"rules": ["new"]}, {"rules": ["*"]}, {"tags": ["t"]}, {"rules": []}], ids=["name", "all", "tag", "id"]
)
def test_no_responder_acts_on_an_alert_in_shadow_mode_however_it_would_be_chosen(settings: dict[str, Any]) -> None:
    isolated = Isolated[Any]("responder", "kill", object(), Metrics(), blocking=True)
    responders = [ActiveResponder(isolated, ResponderSettings.model_validate(settings))]
    one = alert(rule="new")
    one.tags, one.respond = ("t",), ("kill",)

    assert responders == chosen(responders, one)
    one.shadow = True
    assert [] == chosen(responders, one)
