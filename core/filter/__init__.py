"""Filter pushdown: the form of conditions, and the events that a source may discard because no rule can match them.

formula      the one algebra: AllOf, AnyOf, Negation; bounds, by which a back end is necessary or exact
comparison   the leaves of conditions
demand       the wishes that evaluators pass to sources
ip_text      addresses and networks as conditions write them
pushdown     the filtering that a source can do, for `mozu rules explain`
"""
