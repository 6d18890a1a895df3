"""Rules of a real registry: whatever goes wrong, the old rules stay, and one line says why."""

import asyncio
import base64
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from mozu.core.cli.rules_artifact import places
from mozu.core.cli.rules_artifact.reference import parsed
from mozu.core.cli.rules_artifact.store import RegistryAccess
from tests.core.cli.command_line import Run
from tests.core.cli.rules_artifact.artifacts import folder_of, in_force
from tests.support import cosign_keys, oci_registry
from tests.support.cut_relay import CutRelay
from tests.support.requirements import ROOT, program, root

pytestmark = pytest.mark.live

_HTPASSWD = "user:$2b$04$1o1viGbO46YmBYL9f.lFjOaHi.uYr.vYMmBMAoX0MF4HFKhz5N.Lm\n"
"""The password is `secret`."""


class Scene:
    """A registry, a key, and a directory of versions with the first version in force."""

    def __init__(self, folder: Path, port: int, run: Run) -> None:
        self.folder, self.port, self.run, self.versions = folder, port, run, folder / "versions"
        self.key = cosign_keys.pair(folder)
        self.name = f"oci://127.0.0.1:{port}/rules/web"

    def push(self, version: str, *more: str | Path, **files: str) -> str:
        """Push a version as `stable`; return its digest."""
        source = folder_of(self.folder, version, **files)
        code, out, err = self.run("rules", "push", f"{self.name}:{version}", source, "--tag", "stable", *more)
        assert (0, "") == (code, err)
        return out.strip().partition("@")[2]

    def pull(self, reference: str = "", *more: str | Path) -> tuple[int, str, str]:
        trust = () if more else ("--key", f"{self.key}.pub")
        return self.run("rules", "pull", reference or f"{self.name}:stable", "--to", self.versions, *trust, *more)

    def first(self) -> None:
        self.push("1.0", "--key", self.key)
        code, out, err = self.pull()
        assert (0, "") == (code, err), out

    def refused(self, reason: str, reference: str = "", *more: str | Path) -> None:
        """Pull; the first version must stay, with this reason."""
        code, out, err = self.pull(reference, *more)
        assert (1, "") == (code, out)
        assert reason in err
        assert 1 == err.count("\n")
        assert "; the rules in force stay (sha256:" in err
        assert "nc of 1.0" in in_force(self.versions)
        assert [] == [*self.versions.glob(".staged-*")]


@pytest.fixture
def scene(tmp_path: Path, run: Run) -> Iterator[Scene]:
    with oci_registry.serving(tmp_path) as port:
        yield Scene(tmp_path, port, run)


def test_signed_rules_come_into_force_and_go_back(scene: Scene) -> None:
    scene.first()
    scene.push("2.0", "--key", scene.key)
    assert 0 == scene.pull()[0]
    assert "nc of 2.0" in in_force(scene.versions)
    code, out, _ = scene.run("rules", "versions", f"{scene.name}")
    assert (0, ["1.0", "2.0", "stable"]) == (code, out.split())
    assert 0 == scene.run("rules", "rollback", "--to", scene.versions)[0]
    assert "nc of 1.0" in in_force(scene.versions)


def test_the_registry_has_falcoctls_layout(scene: Scene) -> None:
    digest = scene.push("1.0")
    request = urllib.request.Request(f"http://127.0.0.1:{scene.port}/v2/rules/web/manifests/{digest}")
    request.add_header("Accept", "application/vnd.oci.image.manifest.v1+json")
    with urllib.request.urlopen(request) as answer:
        manifest = json.load(answer)
    [layer] = manifest["layers"]
    assert "application/vnd.cncf.falco.rulesfile.config.v1+json" == manifest["config"]["mediaType"]
    assert "application/vnd.cncf.falco.rulesfile.layer.v1+tar.gz" == layer["mediaType"]
    assert {"org.opencontainers.image.title": "web.tar.gz"} == layer["annotations"]
    assert "annotations" not in manifest["config"]  # ECR refuses them


def test_a_wrong_signature_changes_nothing(scene: Scene) -> None:
    scene.first()
    scene.push("2.0", "--key", cosign_keys.pair(scene.folder, "other"))
    scene.refused(f"has a wrong signature: none of its signatures is by {scene.key}.pub")


def test_no_signature_changes_nothing(scene: Scene) -> None:
    scene.first()
    digest = scene.push("2.0")
    scene.refused(f"({digest}) is not signed: {scene.name} has no sha256-")


def test_a_signature_of_another_artifact_changes_nothing(scene: Scene) -> None:
    scene.first()
    first, second = scene.push("1.1", "--key", scene.key), scene.push("2.0")
    url = f"http://127.0.0.1:{scene.port}/v2/rules/web/manifests/{{}}.sig"
    kind = "application/vnd.oci.image.manifest.v1+json"
    get = urllib.request.Request(url.format(first.replace(":", "-")), headers={"Accept": kind})
    with urllib.request.urlopen(get) as answer:
        content = answer.read()
    put = urllib.request.Request(url.format(second.replace(":", "-")), content, {"Content-Type": kind}, method="PUT")
    urllib.request.urlopen(put).close()
    scene.refused("has a wrong signature")


def test_a_bad_rule_changes_nothing(scene: Scene) -> None:
    scene.first()
    scene.push("2.0", "--key", scene.key, web="- rule: x\n  desc: d\n  condition: evt.type\n  output: o\n")
    scene.refused("the rules do not pass the check: web.yaml:1:")


def test_a_failing_test_changes_nothing(scene: Scene) -> None:
    scene.first()
    wrong = "- test: wrong\n  event: {evt.type: execve, proc.name: ls}\n  match: Netcat started\n"
    scene.push("2.0", "--key", scene.key, web_test=wrong)
    scene.refused("its own tests do not pass: test 'wrong': web_test.yaml:2:")


def test_a_registry_that_dies_in_the_middle_changes_nothing(scene: Scene) -> None:
    scene.first()
    scene.push("2.0", "--key", scene.key, more=f"# {base64.b64encode(os.urandom(1 << 20)).decode()}\n")
    with CutRelay(scene.port, after=300_000) as relay:
        name = f"oci://127.0.0.1:{relay.port}/rules/web:stable"
        scene.refused(f"the registry 127.0.0.1:{relay.port} failed: ", name)
    assert relay.was_cut
    scene.refused(f"the registry 127.0.0.1:{relay.port} failed: ", name)  # nothing listens any longer


_FULL = """\
set -e
mount -t tmpfs -o size=1500k,mode=755 tmpfs "$1"
shift
"$@" "$NAME:1.0" && ! "$@" "$NAME:2.0"
cat "$VERSIONS/current/web.yaml"
ls -A "$VERSIONS" "$VERSIONS/versions"
"$@" "$NAME:3.0"
"""


def test_a_full_disk_changes_nothing(scene: Scene) -> None:
    root("mounting a file system")
    large = f"# {base64.b64encode(os.urandom(2 << 20)).decode()}\n"
    for version, files in (("1.0", {}), ("2.0", {"more": large}), ("3.0", {})):
        scene.push(version, "--key", scene.key, **files)
    scene.versions.mkdir()
    pull = [sys.executable, "-m", "mozu", "rules", "pull", "--key", f"{scene.key}.pub", "--to", str(scene.versions)]
    shell = [program("unshare"), "--mount", "--propagation", "private", "sh", "-c", _FULL, "sh", str(scene.versions)]
    environment = {"PYTHONPATH": str(ROOT / "src"), "NAME": scene.name, "VERSIONS": str(scene.versions)}

    done = subprocess.run(
        [*shell, *pull], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )

    assert 0 == done.returncode, done.stderr
    [error] = done.stderr.splitlines()
    assert f"mozu: {scene.name}:2.0: " in error
    assert f"{scene.versions} cannot be written: No space left on device; the rules in force stay (sha256:" in error
    assert "nc of 1.0" in done.stdout
    assert ".staged-" not in done.stdout
    assert 1 == done.stdout.partition("is in force")[2].partition("is in force")[0].count("\nsha256-")
    assert done.stdout.strip().endswith("is in force")


def test_credentials_are_those_of_docker(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "htpasswd").write_text(_HTPASSWD)
    (tmp_path / "docker").mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    auth = {"auth": {"htpasswd": {"realm": "r", "path": str(tmp_path / "htpasswd")}}}
    with oci_registry.serving(tmp_path, auth) as port:
        scene, config = Scene(tmp_path, port, run), tmp_path / "docker" / "config.json"
        code, _, err = scene.pull()
        assert (1, True) == (code, "the registry asks for credentials, and there are no credentials" in err)
        for password, status in (("secret", 0), ("other", 1)):
            token = base64.b64encode(f"user:{password}".encode()).decode()
            config.write_text(json.dumps({"auths": {f"127.0.0.1:{port}": {"auth": token}}}))
            if not status:
                scene.push("1.0", "--key", scene.key)
            code, _, err = scene.pull()
            assert (status, not status) == (code, not err)
        assert "the manifest stable with status 401; check the credentials (`docker login`)" in err
        assert "nc of 1.0" in in_force(scene.versions)


@pytest.mark.parametrize("known", [{"username": "u", "password": "p"}, {"identitytoken": "i"}, None])
def test_a_token_is_asked_for_where_the_registry_says(known: dict[str, str] | None, tmp_path: Path) -> None:
    asked: list[str] = []

    async def answered(request: web.Request) -> web.Response:
        if request.path == "/token":
            form = {**request.query, **{key: str(value) for key, value in (await request.post()).items()}}
            who = form.get("refresh_token") or request.headers.get("Authorization", "none")
            asked.append(f"{request.method} {form['service']} {form['scope']} {who}")
            return web.json_response({"token": "T"})
        if request.headers.get("Authorization") == "Bearer T":
            return web.Response(body=b"manifest")
        scope = f'realm="http://{request.host}/token",service="s",scope="repository:web:pull"'
        return web.Response(status=401, headers={"WWW-Authenticate": f"Bearer {scope}"})

    async def scenario() -> bytes | None:
        server = TestServer(web.Application())
        server.app.router.add_route("*", "/{path:.*}", answered)
        async with server:
            config = tmp_path / "config.json"
            auths = {} if known is None else {f"127.0.0.1:{server.port}": known}
            config.write_text(json.dumps({"auths": auths}))
            reference = parsed(f"oci://127.0.0.1:{server.port}/web:1.0")
            async with places.opened(reference, RegistryAccess(config)) as opened:
                return await opened.manifest("1.0")

    assert b"manifest" == asyncio.run(scenario())
    who = {"username": "Basic dTpw", "identitytoken": "i", "none": "none"}[next(iter(known or ["none"]))]
    method = "POST" if who == "i" else "GET"
    assert [f"{method} s repository:web:pull {who}"] == asked
