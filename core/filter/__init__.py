"""Filter pushdown: what a source may discard because no rule can want it."""
