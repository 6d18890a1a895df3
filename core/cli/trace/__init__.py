"""`mozu trace`: run a command under rules, by ptrace; reports and allow-lists."""
