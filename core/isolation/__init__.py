"""A plugin that fails, hangs or blocks hurts no other: failures caught in one place, threads for what may block."""
