"""The model of mozu's domain: events, alerts, containers, fields, and the table of system calls."""
