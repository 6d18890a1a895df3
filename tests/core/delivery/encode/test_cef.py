"""CEF against a strict reader of the format."""

import pytest

from mozu.core.common.control_chars import UNSEEN, spelled
from mozu.core.delivery.encode.cef import Cef, CefSettings
from mozu.core.model.alert import Alert
from mozu.core.model.event import printable
from tests.core.delivery.encode.cef import Malformed, read
from tests.core.delivery.encode.made import STAMP, connecting, hostile, plain


def extension(alert: Alert) -> dict[str, str]:
    return read(Cef().encode(alert, STAMP))[1]


def shown(text: str, *, lines: bool = True) -> str:
    """Return a text as a reader of CEF must get it: characters that the format cannot carry are spelled out."""
    kept = "\n\r" if lines else ""
    return UNSEEN.sub(lambda found: found[0] if found[0] in kept else spelled(found), printable(text))


def test_every_text_comes_back_as_it_was_property() -> None:
    encoder = Cef()
    for alert, stamp in hostile():
        header, pairs = read(encoder.encode(alert, stamp))
        sent = {"msg": alert.message(), "dvchost": alert.hostname, "deviceExternalId": stamp.agent}
        got = {key: pairs[key] for key in sent if key in pairs}
        assert {key: shown(text) for key, text in sent.items() if text} == got
        assert (shown(alert.rule, lines=False), str(stamp.sequence)) == (header[5], pairs["cn1"])


@pytest.mark.parametrize("line", [b"CEF:0|a|b", b"CEF:0|a|b|c|d\\n|e|1|x=1", b"CEF:0|a|b|c|d|e|1|x=1=2", b"CEF:0|a\n"])
def test_the_reader_is_strict(line: bytes) -> None:
    with pytest.raises(Malformed):
        read(line)


def test_the_header_names_product_rule_and_severity() -> None:
    header, _ = read(Cef(CefSettings(vendor="a|b")).encode(plain()))
    names = ["a|b", "mozu", "terminal_shell_in_container", "Terminal shell in container", "4"]
    assert names == [header[1], header[2], *header[4:]]


def test_the_process_is_the_source() -> None:
    keys = ("spid", "sproc", "suid", "suser")
    assert ("4242", "/bin/sh", "0", "root") == tuple(extension(plain())[key] for key in keys)


def test_a_custom_field_has_its_label() -> None:
    pairs = extension(plain())
    labels = {pairs[f"{key}Label"]: value for key, value in pairs.items() if f"{key}Label" in pairs}
    assert {
        "container.id": plain().enrichment["container.full_id"],
        "container.image": "docker.io/library/nginx:1.27",
        "k8s.pod": "shop/web-7f9c",
        "mitre": "v19: TA0002 Execution, T1059.004 Unix Shell",
        "proc.cmdline": "sh -i",
        "proc.pcmdline": "runc init",
        "proc.ppid": "4200",
        "sequence": "42",
        "epoch": "18a2f",
        "sink": "siem",
    } == labels


def test_an_ipv6_address_has_the_key_of_its_kind() -> None:
    alert = connecting()
    alert.enrichment |= {"fd.sip": "2001:db8::1"}
    pairs = extension(alert)
    assert ("10.0.0.2", "2001:db8::1", False) == (pairs["src"], pairs["c6a3"], "dst" in pairs)
