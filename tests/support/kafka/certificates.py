"""Certificates of brokers and clients, good and expired, of their authority and of a stranger; PEM, which Kafka can
read."""

import subprocess
from pathlib import Path

from tests.support.requirements import program


class Certificates:
    """The certificates, as files below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._openssl = folder, program("openssl")
        self.ca, self._ca_key = self._own("ca")
        self.other_ca, self._other_ca_key = self._own("other-ca")
        server, server_key = self._signed("server")
        self.client, self.client_key = self._signed("client")
        self.expired, self.expired_key = self._signed("expired", days=-1)
        self.stranger, self.stranger_key = self._signed("stranger", of=(self.other_ca, self._other_ca_key))
        self.server_store = folder / "server.store.pem"
        self.server_store.write_text(server_key.read_text() + server.read_text())
        self.expired_store = folder / "expired.store.pem"
        self.expired_store.write_text(self.expired_key.read_text() + self.expired.read_text())

    def _own(self, name: str) -> tuple[Path, Path]:
        pem, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        self._run(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-out", str(pem),
            "-addext", "keyUsage=critical,keyCertSign,digitalSignature", "-keyout", str(key),
        )  # fmt: skip
        return pem, key

    def _signed(self, name: str, days: int = 2, of: tuple[Path, Path] | None = None) -> tuple[Path, Path]:
        ca, ca_key = of or (self.ca, self._ca_key)
        pem, key, request = (self._folder / f"{name}.{ending}" for ending in ("pem", "key", "csr"))
        more = self._folder / f"{name}.ext"
        more.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._run(
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", str(key), "-out", str(request)
        )
        self._run(
            "x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key), "-CAcreateserial",
            "-days", str(days), "-extfile", str(more), "-out", str(pem),
        )  # fmt: skip
        return pem, key

    def _run(self, *arguments: str) -> None:
        subprocess.run([self._openssl, *arguments], check=True, capture_output=True)
