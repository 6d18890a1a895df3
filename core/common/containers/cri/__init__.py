"""Kubernetes' Container Runtime Interface (CRI): containerd's plugin, CRI-O, and whatever else serves it."""
