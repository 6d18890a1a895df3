"""The events, one family of calls per file. Adding a call is one more `call(...)` in its family."""
