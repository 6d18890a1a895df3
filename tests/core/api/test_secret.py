from pathlib import Path

import pytest

from mozu.core.api import Settings
from mozu.core.api.secret import Secret
from mozu.core.model.value_types import Json
from mozu.core.runtime.config import Problems
from mozu.core.runtime.config.mark import Mark
from mozu.core.runtime.config.node import node_of
from mozu.core.runtime.config.validate import validate


class Login(Settings):
    password: Secret


def password(value: Json) -> str:
    return Login.model_validate({"password": value}).password.get_secret_value()


def refusal(value: Json) -> list[str]:
    problems = Problems()
    assert validate(Login, node_of({"password": value}, Mark("f", 1, 1)), problems, "sink x") is None
    return list(problems.lines())


def test_a_secret_may_be_text() -> None:
    assert password("hunter2") == "hunter2"


def test_a_secret_comes_from_a_file_without_its_last_line_end(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("hunter2 \n")
    assert password({"file": str(tmp_path / "p")}) == "hunter2 "


def test_a_secret_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOZU_TEST_PASSWORD", "hunter2")
    assert password({"env": "MOZU_TEST_PASSWORD"}) == "hunter2"


def test_a_secret_comes_from_a_credential_of_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "siem").write_text("hunter2")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert password({"credential": "siem"}) == "hunter2"


def test_a_secret_never_prints() -> None:
    login = Login.model_validate({"password": "hunter2"})
    assert "hunter2" not in f"{login} {login!r} {login.password} {login.model_dump()} {login.model_dump_json()}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"file": "/nowhere"}, "the secret's file /nowhere cannot be read: No such file or directory"),
        ({"env": "MOZU_NOT_SET"}, "the secret's environment variable MOZU_NOT_SET is not set"),
        ({"vault": "x"}, "a secret is text or one of {file: PATH}, {env: VARIABLE} or {credential: NAME}"),
        ({"file": 3}, "file of a secret must be text"),
        (12345, "must be text; write it in quotes"),
    ],
)
def test_a_secret_that_cannot_be_had_is_a_mistake(value: Json, expected: str) -> None:
    assert refusal(value) == [f"f:1:1: sink x: password {expected}"]


def test_a_credential_needs_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert "LoadCredential" in refusal({"credential": "x"})[0]


def test_a_credential_cannot_leave_its_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert "a credential is a plain name" in refusal({"credential": "../x"})[0]


def test_a_huge_file_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"x" * 70_000)
    assert "larger than 64 KiB" in refusal({"file": str(tmp_path / "p")})[0]


def test_the_schema_of_a_secret_names_its_forms() -> None:
    forms = Login.model_json_schema()["properties"]["password"]["anyOf"]
    assert [next(iter(form.get("properties", {"text": 0}))) for form in forms] == ["text", "file", "env", "credential"]
