"""Access to the API server: service accounts, kubeconfig files, and refused settings with their remedies."""

import base64
import ssl
from pathlib import Path
from typing import Any

import pytest
import yaml

from mozu.plugins.enrichers.kubernetes.access import Access, NoAccess, of_service_account, tls_context
from mozu.plugins.enrichers.kubernetes.kubeconfig import of_kubeconfig
from mozu.plugins.enrichers.kubernetes.settings import KubernetesSettings
from tests.support.https import Certificates

IN_A_POD = {"KUBERNETES_SERVICE_HOST": "10.9.0.1", "KUBERNETES_SERVICE_PORT": "6443"}


@pytest.fixture
def account(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("abc\n")
    (tmp_path / "ca.crt").write_bytes(b"authority")
    return tmp_path


def config(folder: Path, *, cluster: Any = None, user: Any = None, **rest: Any) -> Path:
    """Write a kubeconfig with one context; return its path."""
    document = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://10.0.0.1:6443/", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
        **rest,
    }
    path = folder / "config"
    path.write_text(yaml.safe_dump(document))
    return path


def refusal(path: Path, context: str = "") -> str:
    with pytest.raises(NoAccess) as caught:
        of_kubeconfig(path, context)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    return text.removeprefix(f"{path}: ")


def test_a_pod_has_its_service_account_and_the_address_in_its_environment(account: Path) -> None:
    expected = Access("https://10.9.0.1:6443", b"authority", token="abc")
    assert expected == of_service_account(account, "", IN_A_POD)


def test_an_address_of_ipv6_is_put_into_brackets(account: Path) -> None:
    assert of_service_account(account, "", {"KUBERNETES_SERVICE_HOST": "fd00::1"}).server == "https://[fd00::1]:443"


def test_a_setting_goes_before_the_environment(account: Path) -> None:
    assert of_service_account(account, "https://api.example:6443/", IN_A_POD).server == "https://api.example:6443"


@pytest.mark.parametrize(
    "server", ["http://api.example", "api.example:6443", "https://", "ftp://127.0.0.1", "https://a:b"]
)
def test_an_address_that_is_none_or_would_show_the_token_is_refused(account: Path, server: str) -> None:
    with pytest.raises(NoAccess, match="write https://"):
        of_service_account(account, server, {})


def test_plain_http_is_for_the_loopback_interface(account: Path) -> None:
    access = of_service_account(account, "http://127.0.0.1:8001", {})
    assert tls_context(access) is None


def test_without_a_service_account_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NoAccess, match=r"no service account in .*: run mozu in a pod that has one, or name a file"):
        of_service_account(tmp_path, "", IN_A_POD)


def test_a_token_that_would_forge_a_header_is_refused(account: Path) -> None:
    (account / "token").write_text("a\r\nHost: b")
    with pytest.raises(NoAccess, match="characters that no header may have"):
        of_service_account(account, "", IN_A_POD)


def test_the_current_context_joins_a_cluster_and_a_user(tmp_path: Path) -> None:
    path = config(
        tmp_path,
        cluster={"certificate-authority-data": base64.b64encode(b"authority").decode(), "tls-server-name": "kube"},
        user={"token": "abc"},
    )
    assert Access("https://10.0.0.1:6443", b"authority", token="abc", server_name="kube") == of_kubeconfig(path, "")


def test_files_are_relative_to_the_kubeconfig_and_a_token_file_goes_before_a_token(tmp_path: Path) -> None:
    for name in ("ca.crt", "me.crt", "me.key"):
        (tmp_path / name).write_text(name)
    (tmp_path / "token").write_text("new\n")
    user = {"client-certificate": "me.crt", "client-key": "me.key", "token": "old", "tokenFile": "token"}
    found = of_kubeconfig(config(tmp_path, cluster={"certificate-authority": "ca.crt"}, user=user), "here")
    assert Access("https://10.0.0.1:6443", b"ca.crt", b"me.crt", b"me.key", "new") == found


@pytest.mark.parametrize(
    ("user", "text"),
    [
        ({"exec": {"command": "aws"}}, "it has exec (a program that gives credentials), which is not supported"),
        (
            {"auth-provider": {"name": "gcp"}},
            "it has auth-provider (a provider of credentials), which is not supported",
        ),
        ({"username": "a", "password": "b"}, "it has username (a name with a password), which is not supported"),
        ({"client-key-data": "YQ=="}, "client-certificate and client-key need each other"),
        ({"client-key-data": "?", "client-certificate-data": "YQ=="}, "client-key-data is no base64"),
        ({"token": 5}, "token must be text"),
        ({"tokenFile": "absent"}, "absent cannot be read: No such file or directory"),
    ],
)
def test_what_is_not_supported_in_a_user_is_said_with_a_remedy(user: Any, text: str, tmp_path: Path) -> None:
    assert text in refusal(config(tmp_path, user=user))


@pytest.mark.parametrize(
    ("cluster", "text"),
    [
        (
            {"insecure-skip-tls-verify": True},
            "insecure-skip-tls-verify is not supported: name the certificate-authority",
        ),
        ({"proxy-url": "http://p"}, "proxy-url is not supported: name an address that is reached without"),
        ({"server": "http://10.0.0.1"}, "http://10.0.0.1 is not encrypted"),
    ],
)
def test_a_cluster_is_not_reached_unprotected(cluster: Any, text: str, tmp_path: Path) -> None:
    assert text in refusal(config(tmp_path, cluster=cluster))


def test_what_is_missing_in_a_kubeconfig_is_named(tmp_path: Path) -> None:
    assert refusal(config(tmp_path), "there") == "it has no context 'there'"
    assert refusal(config(tmp_path, users=[])) == "it has no user 'u'"
    assert refusal(config(tmp_path, **{"current-context": ""})) == ("it has no current context: name one as `context`")


@pytest.mark.parametrize(("content", "text"), [("a: [", "it is no YAML in line 1"), ("- a", "the file is no mapping")])
def test_a_file_that_is_no_kubeconfig_is_refused(content: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    assert text in refusal(path)


def test_a_client_certificate_from_memory_is_used_and_the_server_is_always_verified(tmp_path: Path) -> None:
    made = Certificates(tmp_path)
    access = Access("https://127.0.0.1:1", made.ca.read_bytes(), made.client.read_bytes(), made.client_key.read_bytes())
    context = tls_context(access)
    assert context is not None
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)
    assert len(context.get_ca_certs()) == 1


@pytest.mark.parametrize(
    ("access", "text"),
    [
        (Access("https://a", b"none"), "the authority's certificate cannot be used"),
        (Access("https://a", certificate=b"none", key=b"none"), "the client certificate cannot be used"),
    ],
)
def test_a_certificate_that_is_none_is_refused(access: Access, text: str) -> None:
    with pytest.raises(NoAccess, match=text):
        tls_context(access)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"context": "a"}, "context needs kubeconfig"),
        ({"kubeconfig": "/x", "server": "https://a"}, "server is for the service account"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(given: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        KubernetesSettings(**given)
