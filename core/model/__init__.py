"""What mozu speaks of: events, alerts, containers, fields, and the table of system calls."""
