"""A long run of mozu on a crowded machine, to see if memory stays level, the state stays true, and nothing is lost."""
