import socket
from pathlib import Path

from mozu.core.runtime.engine.interfaces import interface_addresses

TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.0.0/24 2 0 2
        |-- 10.0.0.0
           /24 link UNICAST
        |-- 10.0.0.7
           /32 host LOCAL
        |-- 10.0.0.255
           /32 link BROADCAST
"""


def test_local_addresses_are_the_host_entries_of_the_trie_and_those_of_ipv6(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net/fib_trie").write_text(TRIE)
    (tmp_path / "net/if_inet6").write_text("fe800000000000000000000000000007 02 40 20 80     eth0\n")
    assert {socket.inet_aton("10.0.0.7"), socket.inet_pton(socket.AF_INET6, "fe80::7")} == interface_addresses(tmp_path)


def test_a_machine_without_procfs_has_no_addresses(tmp_path: Path) -> None:
    assert frozenset() == interface_addresses(tmp_path)


def test_this_machine_has_loopback() -> None:
    assert socket.inet_aton("127.0.0.1") in interface_addresses()
