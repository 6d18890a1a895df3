"""Kernel programs in C; `importlib.resources.files("mozu.bpf")` finds them."""
