"""Records by a schema of a schema registry.

    settings           where the registry is, and how records are serialized
    registry_client    its REST API
    record_type        what a record is made of, from its JSON Schema
    avro, protobuf     schema and encoding of such a type
    serialization      which of the three, and subjects
    registered_schema  ids by topic, and the framing of records
"""
