"""Numbers of system calls, a module for each ABI; each run of consecutive numbers is keyed by its first."""
