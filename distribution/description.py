"""The texts with which packages describe themselves."""

from typing import Final

HOMEPAGE: Final = "https://mozu.invalid"
MAINTAINER: Final = "mozu maintainers <maintainers@mozu.invalid>"
SUMMARY: Final = "runtime security with Falco's rules"
DESCRIPTION: Final = (
    "mozu watches system calls by eBPF, judges them by rules in Falco's language and\n"
    "delivers alerts to the journal, files, syslog, Kafka, webhooks and others.\n"
    "\n"
    "It brings its Python dependencies in /usr/lib/mozu and touches no other module\n"
    "of the machine. Its kernel programs are compiled already.\n"
)
