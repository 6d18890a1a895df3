"""Observation of a run from outside: its statistics, health and versions.

run_view         the observable parts of a run
samples          the numbers of a run: the registry's, and those that components count themselves
metric_help      the meaning of each metric of mozu (metrics.tsv)
series_limit     bounds of labels, whatever names appear
exposition       the text formats of Prometheus and OpenMetrics
falco_names      the same numbers under the names that Falco's dashboards read
readiness        the state of a run: ready, degraded or not, with reasons
loop_lag         the delay of the event loop
http_server      the listener
document         docs/operate/metrics.md
"""
