"""A real Apache Kafka of one or more brokers (KRaft) on loopback; brokers are killed, stopped and started singly.

Every broker has a listener per way of authentication; the listener PLAIN is open, and its clients may do everything.
"""

import base64
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.kafka.certificates import Certificates
from tests.support.kafka.java import java, run
from tests.support.ports import free_port

PATIENCE: Final = 90.0
USER: Final = "magpie"
PASSWORD: Final = "black-and-white"
REAUTH_MS: Final = 10_000 if os.environ.get("MOZU_CHAOS") == "full" else 2000
"""Milliseconds that a connection of SCRAM-SHA-256 may live before it authenticates again."""

_SCHEMES: Final = {
    "PLAIN": "PLAINTEXT", "TLS": "SSL", "EXPIRED": "SSL", "MTLS": "SSL", "SASLPLAIN": "SASL_PLAINTEXT",
    "SCRAM": "SASL_SSL", "REAUTH": "SASL_PLAINTEXT", "OAUTH": "SASL_PLAINTEXT",
}  # fmt: skip
_MODULES: Final = "org.apache.kafka.common.security"


class Broker:
    """A broker's process."""

    def __init__(self, folder: Path, node: int, heap: str) -> None:
        self._folder, self.node, self._heap = folder, node, heap
        self.ports = {name: free_port() for name in (*_SCHEMES, "CONTROLLER")}
        self._process: subprocess.Popen[bytes] | None = None
        self.config = folder / f"server{node}.properties"

    def spawn(self) -> None:
        """Start the process; `wait` for it afterwards."""
        with (self._folder / f"broker{self.node}.log").open("ab") as log:
            self._process = subprocess.Popen(
                java("kafka.Kafka", str(self.config), heap=self._heap),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder,
            )  # fmt: skip

    def wait(self) -> None:
        """Wait until the broker takes connections. Raises AssertionError."""
        deadline = time.monotonic() + PATIENCE
        while not self._listens():
            if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                raise AssertionError((self._folder / f"broker{self.node}.log").read_text()[-3000:])
            time.sleep(0.05)

    def start(self) -> None:
        """Start the process and wait until it takes connections."""
        self.spawn()
        self.wait()

    def stop(self) -> None:
        """Stop in good order: the broker hands its partitions over first."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kill the broker at once."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Make the broker hang until `resume`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the broker go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.ports["PLAIN"]), 1):
            return True
        return False


class Cluster:
    """A cluster; `servers` and `server(listener)` return its addresses."""

    def __init__(self, folder: Path, brokers: int, heap: str) -> None:
        self.certificates = Certificates(folder)
        self.brokers = [Broker(folder, node, heap) for node in range(1, brokers + 1)]
        for broker in self.brokers:
            broker.config.write_text(_properties(folder, broker, self.brokers, self.certificates))
        identity = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        for broker in self.brokers:
            run(
                "kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "-c", str(broker.config),
                "--add-scram", f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]",
                "--add-scram", f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]",
            )  # fmt: skip

    @property
    def servers(self) -> list[str]:
        """Return the address of every broker's open listener."""
        return [f"127.0.0.1:{broker.ports['PLAIN']}" for broker in self.brokers]

    def server(self, listener: str) -> str:
        """Return the address of the first broker's listener of this name."""
        return f"127.0.0.1:{self.brokers[0].ports[listener]}"

    def start(self) -> None:
        """Start all brokers."""
        for broker in self.brokers:
            broker.spawn()
        for broker in self.brokers:
            broker.wait()

    def kill(self) -> None:
        """Kill all brokers at once."""
        for broker in self.brokers:
            broker.kill()


@contextmanager
def cluster(folder: Path, brokers: int = 1, heap: str = "256m") -> Iterator[Cluster]:
    """Yield a cluster that runs until the block ends."""
    made = Cluster(folder, brokers, heap)
    try:
        made.start()
        yield made
    finally:
        made.kill()


def _properties(folder: Path, broker: Broker, brokers: list[Broker], certificates: Certificates) -> str:
    listeners = {name: f"{name}://127.0.0.1:{broker.ports[name]}" for name in _SCHEMES}
    protocols = ",".join(f"{name}:{scheme}" for name, scheme in (*_SCHEMES.items(), ("CONTROLLER", "PLAINTEXT")))
    voters = ",".join(f"{other.node}@127.0.0.1:{other.ports['CONTROLLER']}" for other in brokers)
    copies = min(3, len(brokers))
    return f"""
process.roles=broker,controller
node.id={broker.node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAIN
listeners={",".join(listeners.values())},CONTROLLER://127.0.0.1:{broker.ports["CONTROLLER"]}
advertised.listeners={",".join(listeners.values())}
listener.security.protocol.map={protocols}
log.dirs={folder}/data{broker.node}
ssl.keystore.type=PEM
ssl.keystore.location={certificates.server_store}
ssl.truststore.type=PEM
ssl.truststore.location={certificates.ca}
listener.name.expired.ssl.keystore.location={certificates.expired_store}
listener.name.mtls.ssl.client.auth=required
listener.name.saslplain.sasl.enabled.mechanisms=PLAIN
listener.name.saslplain.plain.sasl.jaas.config={_MODULES}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
listener.name.scram.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.scram.scram-sha-512.sasl.jaas.config={_MODULES}.scram.ScramLoginModule required;
listener.name.reauth.sasl.enabled.mechanisms=SCRAM-SHA-256
listener.name.reauth.scram-sha-256.sasl.jaas.config={_MODULES}.scram.ScramLoginModule required;
listener.name.reauth.scram-sha-256.connections.max.reauth.ms={REAUTH_MS}
listener.name.oauth.sasl.enabled.mechanisms=OAUTHBEARER
listener.name.oauth.oauthbearer.sasl.jaas.config={_MODULES}.oauthbearer.OAuthBearerLoginModule required;
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor={copies}
default.replication.factor={copies}
min.insync.replicas={max(1, copies - 1)}
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=4000
broker.heartbeat.interval.ms=500
log.cleaner.backoff.ms=200
log.cleaner.dedupe.buffer.size=4194304
"""
