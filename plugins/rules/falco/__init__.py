"""Evaluator `falco`: rule files in Falco's language. mozu's own rules are beside it, in packs.

    evaluator          loads the rules, evaluates events, makes alerts
    enrichment_fields  values that encoders request with an alert
    settings           the configuration
"""

from mozu.core.api import EvaluatorDeclaration, hookimpl
from mozu.core.language.rules import plugin_fields
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings


@hookimpl
def mozu_components() -> EvaluatorDeclaration[FalcoSettings]:
    """Declare the evaluator `falco`."""
    return EvaluatorDeclaration(
        name="falco",
        build=FalcoEvaluator,
        summary="Rules in Falco's language: conditions on system calls, and on records of other sources.",
        settings=FalcoSettings,
        fields=plugin_fields(),
    )
