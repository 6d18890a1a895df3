"""TLS settings and contexts: verification, the oldest version, and unusable files."""

import ssl
import subprocess
from pathlib import Path

import pytest
from pydantic import ValidationError

from mozu.core.common.tls import ClientTls, ServerTls, client_context, server_context
from tests.support.https import Certificates
from tests.support.requirements import program


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("tls"))


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str = "localhost") -> str | None:
    """Return the version that both sides agree on. Raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = ends
    while waiting:
        waiting = [end for end in ends if not _is_done(end)]
    ends[1].write(b"x")
    assert b"x" == ends[0].read(1)
    return ends[0].version()


def _is_done(end: ssl.SSLObject) -> bool:
    try:
        end.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def test_a_client_verifies_the_server_by_the_given_authority(certificates: Certificates) -> None:
    server = server_context(ServerTls(certificate=certificates.server, key=certificates.server_key))
    assert server is not None
    assert "TLSv1.3" == handshake(client_context(ClientTls(ca=certificates.ca)), server)
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client_context(ClientTls()), server)


def test_a_directory_of_authorities_without_hashes_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no certificates by the hash of their names; run `openssl rehash` there"):
        client_context(ClientTls(ca=tmp_path))


@pytest.mark.live
def test_authorities_may_be_a_directory_by_the_hashes_of_their_names(
    certificates: Certificates, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "authority.pem").write_bytes(certificates.ca.read_bytes())
    subprocess.run([program("openssl"), "rehash", tmp_path], check=True, capture_output=True)

    assert "TLSv1.3" == handshake(client_context(ClientTls(ca=tmp_path)), certificates.context())
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(client_context(ClientTls(ca=tmp_path)), Certificates(tmp_path / "other").context())


def test_a_client_verifies_the_name_of_the_server(certificates: Certificates) -> None:
    client = client_context(ClientTls(ca=certificates.ca))
    with pytest.raises(ssl.SSLCertVerificationError, match="elsewhere"):
        handshake(client, certificates.context(), "elsewhere.example")


def test_a_client_that_is_reported_to_verifies_nothing(certificates: Certificates) -> None:
    client = client_context(ClientTls(), verify=False)
    assert "TLSv1.3" == handshake(client, certificates.context(), "elsewhere.example")


def test_the_oldest_version_is_the_configured_one(certificates: Certificates) -> None:
    older = certificates.context(newest=ssl.TLSVersion.TLSv1_2)
    assert "TLSv1.2" == handshake(client_context(ClientTls(ca=certificates.ca)), older)
    with pytest.raises(ssl.SSLError, match="unsupported protocol"):
        handshake(client_context(ClientTls(ca=certificates.ca, min_version="1.3")), older)


def test_a_server_with_a_client_authority_refuses_clients_without_a_certificate(certificates: Certificates) -> None:
    server = server_context(
        ServerTls(certificate=certificates.server, key=certificates.server_key, client_ca=certificates.ca)
    )
    assert server is not None
    known = ClientTls(ca=certificates.ca, certificate=certificates.client, key=certificates.client_key)
    assert "TLSv1.3" == handshake(client_context(known), server)
    with pytest.raises(ssl.SSLError):
        handshake(client_context(ClientTls(ca=certificates.ca)), server)


def test_a_server_without_a_certificate_is_plain() -> None:
    assert server_context(ServerTls()) is None


def test_a_file_that_cannot_be_used_is_named_with_its_setting(certificates: Certificates, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^tls\.ca: /nowhere\.pem cannot be used: No such file or directory$"):
        client_context(ClientTls(ca=Path("/nowhere.pem")))
    wrong = ClientTls(ca=certificates.ca, certificate=certificates.client, key=certificates.server_key)
    with pytest.raises(ValueError, match=r"^tls\.certificate: .*client\.pem cannot be used: KEY_VALUES_MISMATCH$"):
        client_context(wrong)


def test_keys_and_certificates_belong_together() -> None:
    with pytest.raises(ValidationError, match="a key needs its certificate"):
        ClientTls(key=Path("k.pem"))
    with pytest.raises(ValidationError, match="certificate and key need each other"):
        ServerTls(certificate=Path("c.pem"))
    with pytest.raises(ValidationError, match="client_ca needs certificate and key"):
        ServerTls(client_ca=Path("ca.pem"))
