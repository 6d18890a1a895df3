"""A run seen from outside: its numbers, its health, its versions.

run_view         what there is to be seen
samples          the numbers of a run: the registry's, and what components count themselves
metric_help      what each metric of mozu means (metrics.tsv)
series_limit     labels are bounded, whatever names appear
exposition       the text formats of Prometheus and OpenMetrics
falco_names      the same numbers under the names that Falco's dashboards read
readiness        whether a run does what it was started for, and what of it not
loop_lag         how late the event loop is
http_server      the listener
document         docs/metrics.md
"""
