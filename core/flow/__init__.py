"""The flow of events: source pump, pipeline, enrichment buffer, evaluation; no event is lost without being counted."""
