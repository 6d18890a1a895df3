"""`mozu rules pull`, `verify`, `versions` and `rollback` from a directory in place of a registry."""

import json
from pathlib import Path

import pytest

from tests.core.cli.command_line import Run
from tests.core.cli.rules_artifact.artifacts import RULE, TEST, folder_of, in_force


class Scene:
    """A layout with artifacts, and a directory of versions."""

    def __init__(self, folder: Path, run: Run) -> None:
        self.folder, self.versions, self._run = folder, folder / "versions", run
        self.layout = f"dir://{folder}/layout"

    def push(self, version: str, **files: str) -> str:
        """Store a version under the tag `stable`, and return its digest."""
        source = folder_of(self.folder, version, **files)
        code, out, err = self._run("rules", "push", f"{self.layout}:{version}", source, "--tag", "stable")
        assert (0, "") == (code, err)
        return out.strip().partition("@")[2]

    def pull(self, end: str = ":stable", *more: object) -> tuple[int, str, str]:
        return self.ask("pull", f"{self.layout}{end}", "--unsigned", *more)

    def ask(self, command: str, *arguments: object) -> tuple[int, str, str]:
        return self._run("rules", command, *arguments, "--to", self.versions)

    def blob(self, digest: str) -> Path:
        return self.folder / "layout/blobs/sha256" / digest.removeprefix("sha256:")


@pytest.fixture
def scene(tmp_path: Path, run: Run) -> Scene:
    return Scene(tmp_path, run)


def test_rules_come_into_force_and_their_tests_are_run(scene: Scene) -> None:
    digest = scene.push("1.0")

    code, out, err = scene.pull()

    assert (0, "") == (code, err)
    assert f"{scene.layout}:stable: 1 rules, 1 tests passed; {digest} is in force\n" == out
    assert "nc of 1.0" in in_force(scene.versions)
    assert f"versions/{digest.replace(':', '-')}" == str((scene.versions / "current").readlink())
    assert 0o644 == (scene.versions / "current/web.yaml").stat().st_mode & 0o777
    assert "is in force already" in scene.pull()[1]


def test_the_same_files_make_the_same_digest(scene: Scene, tmp_path: Path, run: Run) -> None:
    digest = scene.push("1.0")
    (tmp_path / "other").mkdir()
    again = folder_of(tmp_path / "other", "1.0")
    _, out, _ = run("rules", "push", f"dir://{tmp_path}/layout2:1.0", again, "--name", "layout")
    assert digest == out.strip().partition("@")[2]


BROKEN = RULE.replace("evt.type = execve", "evt.type =")
FAILING = TEST.replace("proc.name: nc", "proc.name: cat")


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"web": BROKEN}, "the rules do not pass the check: web.yaml:3:"),
        ({"web_test": FAILING}, "its own tests do not pass: test 'netcat is seen': web_test.yaml:2:10: "),
        ({"web_test": "- test: x\n"}, "its own tests do not pass: web_test.yaml:1:"),
    ],
)
def test_what_fails_leaves_the_rules_in_force(scene: Scene, files: dict[str, str], reason: str) -> None:
    first = scene.push("1.0")
    scene.pull()
    scene.push("2.0", **files)

    code, out, err = scene.pull()

    assert (1, "") == (code, out)
    assert err.startswith(f"mozu: {scene.layout}:stable: {reason}")
    assert err.endswith(f"; the rules in force stay ({first[:19]})\n")
    assert 1 == err.count("\n")
    assert "nc of 1.0" in in_force(scene.versions)
    assert ["sha256-" + first[7:]] == [path.name for path in (scene.versions / "versions").iterdir()]
    assert [] == [*scene.versions.glob(".staged-*")]


def test_a_pull_runs_no_command_of_an_artifact(scene: Scene, tmp_path: Path) -> None:
    act = f"- test: an act\n  run: touch {tmp_path}/touched\n  match: Netcat started\n"
    scene.push("1.0", act_test=act)

    _, out, _ = scene.pull()

    assert "1 tests passed, 1 not run" in out
    assert not (tmp_path / "touched").exists()


def test_the_other_rules_of_the_configuration_are_part_of_the_check(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "local.yaml").write_text("- rule: Netcat started\n  enabled: false\n- list: a\n  items: [b]\n")
    rules = json.dumps([str(scene.versions / "current"), str(tmp_path / "local.yaml")])
    scene.push("1.0", more="- macro: gone\n  condition: proc.name = ls\n")
    (tmp_path / "local.yaml").write_text(RULE.replace("Netcat", "Another").replace("proc.name = nc", "gone"))
    configuration = ("-o", f"evaluators.falco.rules={rules}")
    assert 0 == scene.pull(":stable", *configuration)[0]
    scene.push("2.0")

    code, _, err = scene.pull(":stable", *configuration)

    assert 1 == code
    assert f"the rules do not pass the check: {tmp_path}/local.yaml:3:" in err
    assert "nc of 1.0" in in_force(scene.versions)


def test_a_version_that_was_rolled_back_returns_by_its_digest_only(scene: Scene) -> None:
    first, _ = scene.push("1.0"), scene.pull()
    second, _ = scene.push("2.0"), scene.pull()

    code, out, _ = scene.ask("rollback")

    assert 0 == code
    assert f"{first} is in force, from {scene.layout}:stable" in out
    assert "nc of 1.0" in in_force(scene.versions)
    code, _, err = scene.pull()
    assert 1 == code
    assert f"{second} was rolled back; pull {scene.layout}@{second} to bring it back" in err
    _, listed, _ = scene.ask("versions")
    assert ["in force", "rolled back"] == [
        next(state for state in ("in force", "rolled back") if state in line) for line in listed.splitlines()[1:]
    ]
    assert 0 == scene.pull(f"@{second}")[0]
    assert "nc of 2.0" in in_force(scene.versions)


def test_there_is_nothing_before_the_first_version(scene: Scene) -> None:
    digest, _ = scene.push("1.0"), scene.pull()
    code, _, err = scene.ask("rollback")
    assert (1, f"mozu: {scene.versions} has no version before {digest}\n") == (code, err)
    code, _, err = scene.ask("rollback", "sha256:12")
    assert 1 == code
    assert "has no version sha256:12" in err


def test_only_the_newest_versions_are_kept(scene: Scene) -> None:
    for version in ("1", "2", "3"):
        scene.push(version)
        scene.pull(":stable", "--keep", "2")
    assert 2 == len([*(scene.versions / "versions").iterdir()])
    assert 0 == scene.ask("rollback")[0]
    assert "nc of 2" in in_force(scene.versions)


def test_a_pinned_digest_takes_no_other_artifact(scene: Scene) -> None:
    first, second = scene.push("1.0"), scene.push("2.0")
    scene.blob(first).write_bytes(scene.blob(second).read_bytes())
    code, _, err = scene.pull(f"@{first}")
    assert 1 == code
    assert f"the manifest that came has the digest {second}; no rules are in force there" in err


def test_a_layer_that_was_changed_is_refused(scene: Scene) -> None:
    layer = json.loads(scene.blob(scene.push("1.0")).read_bytes())["layers"][0]["digest"]
    content = bytearray(scene.blob(layer).read_bytes())
    content[-1] ^= 1
    scene.blob(layer).write_bytes(content)
    code, _, err = scene.pull()
    assert 1 == code
    assert f"the blob that came for {layer} has the digest sha256:" in err


def test_a_verification_changes_nothing(scene: Scene) -> None:
    digest = scene.push("1.0")
    code, out, _ = scene.ask("verify", f"{scene.layout}:stable", "--unsigned")
    assert 0 == code
    assert [f"{scene.layout}:stable: {digest}", "artifact   layout 1.0"] == out.splitlines()[:2]
    assert "tests      1 passed, 0 not run" in out
    assert not scene.versions.exists()


def test_a_signature_is_asked_for_unless_it_is_waived(scene: Scene) -> None:
    scene.push("1.0")
    code, _, err = scene.ask("pull", f"{scene.layout}:stable")
    assert 2 == code
    assert "give --key FILE for the signature, or --unsigned" in err


def test_what_is_missing_is_named(scene: Scene) -> None:
    code, _, err = scene.pull()
    assert (1, True) == (code, f"{scene.folder}/layout is no directory" in err)
    scene.push("1.0")
    code, _, err = scene.pull(":other")
    assert (1, True) == (code, f"{scene.layout}:other: there is no such artifact" in err)
    code, out, _ = scene.ask("versions", f"{scene.layout}:stable")
    assert (0, "1.0\nstable\n") == (code, out)


def test_a_directory_that_others_may_write_is_refused(scene: Scene) -> None:
    scene.push("1.0")
    scene.versions.mkdir()
    scene.versions.chmod(0o777)
    code, _, err = scene.pull()
    assert 1 == code
    assert f"{scene.versions} is not used: users other than root and this one may write it" in err
