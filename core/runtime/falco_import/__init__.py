"""Conversion of Falco's configuration, and falcosidekick's, to mozu's.

key_table          the fate of each key: falco_keys.tsv, sidekick_keys.tsv
tree_reader        values as those products read them
falco_config       Falco's configuration → sources, evaluator, sinks, the core's settings
sidekick_config    falcosidekick's → sinks: those that are webhooks
sidekick_queues    Kafka, storages, mail, syslog
sidekick_outputs   common parts of falcosidekick's outputs
receivers          URLs, logins and headers for the sink webhook
importing          the files, merged; the account of every key
document           the tables of docs/operate/from-falco.md
"""
