"""Alerts on their way into sinks: redaction, routes, queues, spools, encoders, retries, dead letters."""
