"""Kafka for plugins: access settings (TLS, SASL), a producer that reconnects, client throttle, topics, dead letters.

    access              settings of every client: bootstrap servers, security protocol, TLS, SASL
    compatibility       check that the installed aiokafka has the private parts that these modules use
    client              arguments of aiokafka's clients; OAuth tokens
    client_throttle     back-off to brokers that are away, quotas (KIP-219)
    client_log          aiokafka's log lines, deduplicated, with their reason
    producer, topics    a producer that is rebuilt when it has failed; topics that must exist
    dead_letters        records that cannot be delivered, to a topic, with Kafka Connect's headers

All modules but `access` import aiokafka: import them when the component is built, not when the plugin is declared.
"""
