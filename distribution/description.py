"""What packages say of themselves."""

from typing import Final

HOMEPAGE: Final = "https://mozu.invalid"
MAINTAINER: Final = "mozu maintainers <maintainers@mozu.invalid>"
SUMMARY: Final = "runtime security with Falco's rules"
DESCRIPTION: Final = (
    "mozu watches system calls by eBPF, judges them by rules in Falco's language and\n"
    "delivers alerts to the journal, files, syslog, Kafka, webhooks and others.\n"
    "\n"
    "It brings its Python dependencies in /usr/lib/mozu and touches no other module\n"
    "of the machine. libbpfcc compiles the kernel programs; without it they have to\n"
    "be imported (mozu ebpf import).\n"
)
