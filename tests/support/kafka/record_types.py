"""The schemas of records of the format `json` in Avro and protocol buffers: the files, and independent readers.

`python -m tests.support.kafka.record_types` writes the files anew.
"""

import importlib.util
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final, Literal

import fastavro

from mozu.core.delivery.encode.schema import schema
from mozu.plugins.sinks.kafka.registry.serialization import Serialization, serialization
from tests.support.requirements import ROOT

FILES: Final[dict[Literal["avro", "protobuf"], Path]] = {
    "avro": ROOT / "schemas/v1/json.avsc",
    "protobuf": ROOT / "schemas/v1/json.proto",
}


def serialized(kind: Literal["avro", "protobuf"]) -> Serialization:
    """Return the sink's serialization of records of the format `json`."""
    return serialization(kind, schema("json"))


def text(kind: Literal["avro", "protobuf"]) -> str:
    """Return the content of a schema file."""
    found = serialized(kind).schema
    return found if kind == "protobuf" else json.dumps(json.loads(found), indent=1) + "\n"


def avro_value(written: Serialization, record: bytes, reader: str | None = None) -> Any:
    """Read a record by fastavro, to its last byte; `reader` is the reader's schema, if it differs from the writer's."""
    data = io.BytesIO(record)
    known = None if reader is None else fastavro.parse_schema(json.loads(reader))
    value = fastavro.schemaless_reader(data, fastavro.parse_schema(json.loads(written.schema)), known)
    assert b"" == data.read()
    return value


def message_class(proto: str, folder: Path, name: str = "alert") -> Any:
    """Compile a `.proto` text by protoc, and return its class `Alert`. One process knows each `name` once."""
    (folder / f"{name}.proto").write_text(proto)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"--python_out={folder}", f"{name}.proto"]
    subprocess.run(command, check=True, cwd=folder, timeout=60)
    spec = importlib.util.spec_from_file_location(f"{name}_pb2", folder / f"{name}_pb2.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Alert


def plain(message: Any) -> dict[str, Any]:
    """Return the content of a message in the form of a JSON document: unset fields are left out."""
    found: dict[str, Any] = {}
    for field, value in message.ListFields():
        if field.name == "output_fields":
            found[field.name] = {name: _value(one) for name, one in value.items()}
        elif field.message_type is not None:
            found[field.name] = plain(value)
        else:
            found[field.name] = list(value) if field.is_repeated else value
    return found


def _value(one: Any) -> Any:
    kind = one.WhichOneof("kind")
    if kind == "list":
        return [_value(item) for item in one.list.values]
    return None if kind is None else getattr(one, kind)


if __name__ == "__main__":
    for kind, path in FILES.items():
        path.write_text(text(kind))
