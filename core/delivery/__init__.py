"""The path of alerts to sinks: redaction, dedup, rate limit, routes, queues, spool, encoders, retry, dead letters."""
