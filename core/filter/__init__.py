"""Filter pushdown: the form of conditions, and what a source may discard because no rule can match it.

formula      the one algebra: AllOf, AnyOf, Negation; bounds (necessary, exact)      demand      what flows to the sources
comparison   the leaves of conditions                                                pushdown    what a source can filter
"""
