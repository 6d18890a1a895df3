"""On the way into sinks: redaction, dedup, rate limit, routes, queues, spool, encoders, retry, dead letters."""
