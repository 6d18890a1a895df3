"""The Container Runtime Interface (CRI) of Kubernetes: containerd's plugin, CRI-O, and other implementations."""
