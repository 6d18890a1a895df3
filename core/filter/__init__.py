"""Filter pushdown: the form of conditions, and what a source may discard because no rule can match it.

formula      the one algebra: AllOf, AnyOf, Negation; bounds, by which a back end is necessary or exact
comparison   the leaves of conditions
demand       what flows from evaluators to sources
pushdown     what a source can filter, for `mozu rules explain`
"""
