"""`mozu rules pull`, `follow`, `push`, `verify`, `versions`, `rollback`: rules as artifacts, in falcoctl's layout.

A pull passes these steps, and the rules in force stay until the last one::

    reference     text → registry or directory, repository, tag, digest
    places        the place of an artifact, a `store`: `registry` (HTTP, with `credentials`) or `layout` (a directory)
    cosign        signature of the manifest's digest, in cosign's format
    artifact      manifest → name, version, files
    archive       the layer: files ↔ tar.gz
    proof         check of the rules, and the artifact's own tests
    versions      a directory of versions, of which the link `current` names one
    installation  all steps in their order; `plan`: its options

`commands`, `follow` and `push` are the command lines.
"""
