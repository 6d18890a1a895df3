"""Modules shared by plugins, third parties' included: TLS settings, back-off, thread pool, log dedup, Kafka access,
Falco's alerts.

Importing a module of this package costs what its first lines import: client libraries (aiohttp, aiokafka) are imported
by the modules of `kafka/` alone, which a plugin imports when its component is built.
"""
