"""A real Kubernetes API server with its etcd on loopback, and helm, for tests by hand (`make k8s`).

No distribution brings these as packages; they are built from their Go modules, which takes six minutes of CPU:

    python -m tests.support.kube_apiserver

Tests use them if they have been built, with Debian's etcd-server, and skip otherwise; every run replays its recorded
answers (tests/data/kubernetes).
"""

import base64
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
import yaml

from tests.support.ports import free_port
from tests.support.requirements import program

VERSION: Final = "1.34.2"
HELM_VERSION: Final = "3.22.0"
_CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mozu-tests"
FOLDER: Final = _CACHE / f"kube-apiserver-{VERSION}"
HELM: Final = _CACHE / f"helm-{HELM_VERSION}" / "helm"
BINARY: Final = FOLDER / "kube-apiserver"
PATIENCE: Final = 60.0
READER: Final = "mozu"
"""The service account that has the rights which docs/operate/kubernetes.md grants."""
PAGE: Final = Path(__file__).parents[2] / "docs" / "operate" / "kubernetes.md"
_MODULE: Final = "k8s.io/kubernetes"
_UNPUBLISHED: Final = re.compile(r"^\s*(k8s\.io/[\w-]+) v0\.0\.0(?:\s|$)", re.MULTILINE)
"""Pattern of modules that the server's own tree holds; they are published as v0.MINOR.PATCH."""


def build() -> None:
    """Compile the server into the cache, at the lowest priority."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        place = Path(name)
        found = json.loads(_go(Path.home(), "mod", "download", "-json", f"{_MODULE}@v{VERSION}"))
        required = Path(found["GoMod"]).read_text()
        language = re.search(r"^go \S+$", required, re.MULTILINE)
        assert language is not None
        parts = sorted(set(_UNPUBLISHED.findall(required)))
        replaced = "\n".join(f"replace {part} => {part} v0{VERSION[1:]}" for part in parts)
        (place / "go.mod").write_text(f"module server\n\n{language[0]}\n\nrequire {_MODULE} v{VERSION}\n\n{replaced}\n")
        (place / "server.go").write_text(f'package server\n\nimport _ "{_MODULE}/cmd/kube-apiserver/app"\n')
        _go(place, "mod", "tidy")
        major, minor, _ = VERSION.split(".")
        known = {"gitVersion": f"v{VERSION}", "gitMajor": major, "gitMinor": minor}
        flags = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in known.items())
        _go(place, "build", "-mod=mod", "-ldflags", flags, "-o", "built", f"{_MODULE}/cmd/kube-apiserver")
        (place / "built").rename(BINARY)


def build_helm() -> None:
    """Compile helm into the cache, at the lowest priority."""
    HELM.parent.mkdir(parents=True, exist_ok=True)
    command = ("nice", "-n", "19", "go", "install", f"helm.sh/helm/v3/cmd/helm@v{HELM_VERSION}")
    subprocess.run(command, check=True, env={**os.environ, "GOBIN": str(HELM.parent)})


def _go(place: Path, *arguments: str) -> bytes:
    command = ("nice", "-n", "19", "go", *arguments)
    return subprocess.run(command, cwd=place, check=True, stdout=subprocess.PIPE).stdout


class KubeApiserver:
    """etcd and kube-apiserver with private certificates; `admin` may do everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self._etcd, self._peers = free_port(), free_port(), free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._write_certificates()
        self.tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
        self.tls.load_cert_chain(folder / "admin.crt", folder / "admin.key")

    def start(self) -> None:
        """Start both servers and wait until the API answers."""
        self._spawn_etcd()
        self.start_api()

    def start_api(self) -> None:
        """Start the API server alone."""
        self._spawn(
            "api", str(BINARY), f"--etcd-servers=http://127.0.0.1:{self._etcd}", f"--secure-port={self.port}",
            "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--service-cluster-ip-range=10.9.0.0/16",
            "--authorization-mode=RBAC", "--service-account-issuer=https://issuer.example",
            "--service-account-key-file=account.key", "--service-account-signing-key-file=account.key",
            "--tls-cert-file=server.crt", "--tls-private-key-file=server.key", "--client-ca-file=ca.crt",
            "--cert-dir=generated", "--disable-admission-plugins=ServiceAccount",
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            if time.monotonic() > deadline or self._processes["api"].poll() is not None:
                raise AssertionError((self.folder / "api.log").read_text()[-3000:])
            time.sleep(0.1)

    def stop_api(self) -> None:
        """Kill the API server."""
        self._end("api")

    def stop(self) -> None:
        """End both servers."""
        self._end("api")
        self._end("etcd")

    def forget_history(self) -> None:
        """Make a change in etcd and compact it, so that earlier resource versions are expired."""
        put = json.dumps({"key": base64.b64encode(b"/other").decode(), "value": ""}).encode()
        revision = self._etcd_call("kv/put", put)["header"]["revision"]
        self._etcd_call("kv/compaction", json.dumps({"revision": revision, "physical": True}).encode())

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request as `admin`; return the answer's JSON. Raises AssertionError for a refusal."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        content = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, content, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode(errors='replace')}") from None

    def create(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Create an object; return it as the server keeps it."""
        made: dict[str, Any] = self.call("POST", path, document)
        return made

    def grant(self) -> None:
        """Create the service account and the role of docs/operate/kubernetes.md."""
        self.create("/api/v1/namespaces", {"metadata": {"name": "mozu"}})
        (manifest,) = re.findall(r"```yaml\n(apiVersion: v1\nkind: ServiceAccount.*?)```", PAGE.read_text(), re.DOTALL)
        paths = {"ServiceAccount": "/api/v1/namespaces/mozu/serviceaccounts"}
        rbac = "/apis/rbac.authorization.k8s.io/v1"
        for document in yaml.safe_load_all(manifest):
            kind = document["kind"]
            self.create(paths.get(kind, f"{rbac}/{kind.lower()}s"), document)

    def token(self, secret: str = "") -> str:
        """Return a new token of the service account; it ends with the secret of this name, if one is passed."""
        spec: dict[str, Any] = {"expirationSeconds": 3600}
        if secret:
            made = self.create("/api/v1/namespaces/mozu/secrets", {"metadata": {"name": secret}})
            spec["boundObjectRef"] = {
                "kind": "Secret", "apiVersion": "v1", "name": secret, "uid": made["metadata"]["uid"],
            }  # fmt: skip
        path = f"/api/v1/namespaces/mozu/serviceaccounts/{READER}/token"
        return str(self.create(path, {"spec": spec})["status"]["token"])

    def account(self, secret: str = "") -> Path:
        """Make a directory as a pod would have it, with a token of the service account."""
        folder = self.folder / "account"
        folder.mkdir(exist_ok=True)
        (folder / "ca.crt").write_bytes((self.folder / "ca.crt").read_bytes())
        new = folder / "new"
        new.write_text(self.token(secret))
        new.rename(folder / "token")
        return folder

    def kubeconfig(self) -> Path:
        """Write a file with the client certificate of `admin`; return its path."""
        path = self.folder / "config"
        document = {
            "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": self.url, "certificate-authority": "ca.crt"}}],
            "users": [{"name": "u", "user": {"client-certificate": "admin.crt", "client-key": "admin.key"}}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        }
        path.write_text(yaml.safe_dump(document))
        return path

    def _write_certificates(self) -> None:
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.folder / "ca.crt")
        issued = {
            "server": authority.issue_cert("127.0.0.1", "localhost"),
            "admin": authority.issue_cert("admin.example", common_name="admin", organization_name="system:masters"),
        }
        for name, certificate in issued.items():
            certificate.cert_chain_pems[0].write_to_path(self.folder / f"{name}.crt")
            certificate.private_key_pem.write_to_path(self.folder / f"{name}.key")
        signer = trustme.CA(key_type=trustme.KeyType.RSA).issue_cert("signer.example", key_type=trustme.KeyType.RSA)
        signer.private_key_pem.write_to_path(self.folder / "account.key")

    def _spawn_etcd(self) -> None:
        client, peer = f"http://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peers}"
        self._spawn(
            "etcd", program("etcd"), "--data-dir", "etcd", "--listen-client-urls", client,
            "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
            "--initial-cluster", f"default={peer}", "--enable-grpc-gateway", "--unsafe-no-fsync",
        )  # fmt: skip

    def _spawn(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def _end(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()

    def _is_ready(self) -> bool:
        with suppress(OSError, AssertionError):
            self.call("GET", "/api/v1/namespaces/default")
            self.call("GET", "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical")
            return True
        return False

    def _etcd_call(self, path: str, body: bytes) -> Any:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._etcd}/v3/{path}", body, PATIENCE) as answer:
            return json.load(answer)


@contextmanager
def kube_apiserver(folder: Path) -> Iterator[KubeApiserver]:
    """Yield a running server with the role of the docs; skip if it has not been built: CI cannot spend the time."""
    if not BINARY.exists():
        pytest.skip("kube-apiserver is not built; `python -m tests.support.kube_apiserver` does that in minutes")
    server = KubeApiserver(folder)
    try:
        server.start()
        server.grant()
        yield server
    finally:
        server.stop()


if __name__ == "__main__":
    for binary, make in ((BINARY, build), (HELM, build_helm)):
        if not binary.exists():
            make()
        sys.stdout.write(f"{binary}\n")
