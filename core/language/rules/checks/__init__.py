"""Checks of rules that load: conditions that never match, values that no event has, rules that earlier ones hide.

`review` runs every check once on the rules of a load. Only `mozu check` calls it, so that a start does not pay for it.
`review_steps` is the same for an editor, which stops it when the text changes. Each module yields problems of a few
codes::

    constant    conditions always true or false   values      constants that a field never has
    absent      fields that the types never have  patterns    notations of other operators
    hidden      rules that earlier ones hide      structure   `or` without parentheses, lists, exceptions, outputs
    tags        ids, ATT&CK                       evadable    names and paths that anyone can choose
"""

from mozu.core.language.rules.checks.all_rules import review, review_steps
from mozu.core.language.rules.checks.view import Resolvers

__all__ = ["Resolvers", "review", "review_steps"]
