"""Workloads that are measured with and without a monitor: loops of calls, a build, servers under load."""
