"""The Kubernetes audit log (source `k8s_audit`): its fields, `ka.*`."""
