"""Records of a topic, as Kafka's own console consumer shows them; and topics made for a test."""

from tests.support.kafka.cluster import Cluster
from tests.support.kafka.java import run

_SEPARATOR = "\x1f"


class Message:
    """A record of a topic."""

    def __init__(self, line: str) -> None:
        partition, headers, key, value = line.split(_SEPARATOR, 3)
        self.partition = int(partition.partition(":")[2])
        pairs = (part.partition(":") for part in headers.split("\x1e"))
        self.headers = {name: content for name, _, content in pairs if name != "NO_HEADERS"}
        self.key = None if key == "null" else key
        self.value = value


def consume(cluster: Cluster, topic: str, *, count: int = 0, quiet_ms: int = 4000) -> list[Message]:
    """Return all records of the topic, in order within each partition.

    With `count`, stop at that count, or after a minute without a record; else after `quiet_ms` without one.
    """
    properties = (
        "print.key=true", "print.partition=true", "print.headers=true", f"key.separator={_SEPARATOR}",
        "headers.separator=\x1e",
    )  # fmt: skip
    out = run(
        "org.apache.kafka.tools.consumer.ConsoleConsumer",
        *("--bootstrap-server", ",".join(cluster.servers), "--topic", topic, "--from-beginning"),
        *("--timeout-ms", str(60_000 if count else quiet_ms), *(("--max-messages", str(count)) if count else ())),
        *(part for pair in properties for part in ("--property", pair)),
    )
    return [Message(line) for line in out.split("\n") if _SEPARATOR in line]


def end_of(cluster: Cluster, topic: str) -> int:
    """Return the sum of the partitions' end offsets: without transactions, the count of records ever written."""
    out = run(
        "org.apache.kafka.tools.GetOffsetShell", "--bootstrap-server", ",".join(cluster.servers), "--topic", topic
    )
    return sum(int(line.rpartition(":")[2]) for line in out.split("\n") if line.startswith(f"{topic}:"))


def create(cluster: Cluster, topic: str, *, partitions: int = 4, **settings: str) -> None:
    """Make a topic with a replica on every broker (three at most)."""
    run(
        "org.apache.kafka.tools.TopicCommand",
        *("--bootstrap-server", ",".join(cluster.servers), "--create", "--topic", topic),
        *("--partitions", str(partitions), "--replication-factor", str(min(3, len(cluster.brokers)))),
        *(part for name, value in settings.items() for part in ("--config", f"{name.replace('_', '.')}={value}")),
    )


def describe(cluster: Cluster, topic: str) -> str:
    """Return the brokers' description of a topic."""
    return run(
        "org.apache.kafka.tools.TopicCommand",
        *("--bootstrap-server", ",".join(cluster.servers), "--describe", "--topic", topic),
    )


def deny(cluster: Cluster, user: str, topic: str) -> None:
    """Deny a user to write to the topic."""
    run(
        "org.apache.kafka.tools.AclCommand",
        *("--bootstrap-server", ",".join(cluster.servers), "--add", "--force"),
        *("--deny-principal", f"User:{user}", "--operation", "Write", "--topic", topic),
    )


def throttle(cluster: Cluster, client: str, bytes_per_second: int) -> None:
    """Limit the rate at which the clients of this name may write."""
    run(
        "kafka.admin.ConfigCommand",
        *("--bootstrap-server", ",".join(cluster.servers), "--alter", "--entity-type", "clients"),
        *("--entity-name", client, "--add-config", f"producer_byte_rate={bytes_per_second}"),
    )
