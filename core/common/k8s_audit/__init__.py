"""The audit log of Kubernetes: its events, from the API server's own forms and from those of EKS, GKE and AKS.

decoder     bytes → events, and what was refused, by reason
unwrapping  lists and clouds' wrappers → single audit events
tolerant_json  what Go accepts and orjson does not
gke         an entry of Google Cloud's log → the audit event that it stands for
"""
