"""Records with a schema from a schema registry.

    settings           address of the registry, and serialization of records
    registry_client    the registry's REST API
    record_type        the properties of a record, from its JSON Schema
    avro, protobuf     schema and encoding of such a type
    serialization      choice among JSON, Avro and protocol buffers
    registered_schema  ids by topic, and the framing of records
"""
