"""The files that accompany a release: digests, a signature of the digests, and the text of the release page.

The signature is OpenSSH's (ssh-keygen -Y, PROTOCOL.sshsig); a holder of the public key can verify it without a
network.
"""

import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from distribution.release import Release

SUMS: Final = "SHA256SUMS"
SIGNATURE: Final = f"{SUMS}.sig"
PAGE: Final = "RELEASE.md"
NAMESPACE: Final = "mozu-release"
"""The namespace of the signatures: a signature in another namespace is not valid for a release."""
SIGNER: Final = "releases"
"""Name of the key in the file of allowed signers."""
_TEXT: Final = """\
# mozu {version}

{changes}

## Files

| file | bytes | SHA-256 |
|---|---|---|
{files}

Commit `{commit}`. Who builds it again gets the same packages for Debian and Ubuntu, byte for byte.

## Verifying

In the directory that has these files, with `allowed_signers` from a checkout of mozu (`distribution/allowed_signers`;
a key does not come with what it signs):

```sh
ssh-keygen -Y verify -f allowed_signers -I {signer} -n {namespace} -s {signature} < {sums} &&
    sha256sum --check --ignore-missing {sums}
```
"""
_NO_CHANGES: Final = "`CHANGELOG.md` has no section of this version: it is a build between two releases."


def publish(root: Path, release: Release, folder: Path, key: Path) -> Path:
    """Write digests, signature and page for the files of `folder`, and return the path of the page.

    Raises FileNotFoundError if `folder` has no files to publish, and CalledProcessError if ssh-keygen does not sign;
    ssh-keygen has printed the reason by then.
    """
    made = {SUMS, SIGNATURE, PAGE}
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name not in made)
    if not files:
        raise FileNotFoundError(f"{folder} has no files")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]
    (folder / SUMS).write_text("".join(f"{digest}  {path.name}\n" for path, digest in zip(files, digests, strict=True)))
    (folder / SIGNATURE).unlink(missing_ok=True)  # ssh-keygen asks before it overwrites a signature
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", key, "-n", NAMESPACE, folder / SUMS], check=True)
    page = folder / PAGE
    page.write_text(_page(release, changes(root, release), files, digests))
    return page


def changes(root: Path, release: Release) -> str:
    """Return the section of CHANGELOG.md about this version, without its heading."""
    text = (root / "CHANGELOG.md").read_text()
    found = re.search(rf"^## {re.escape(release.version)} .*\n((?:(?!## ).*\n?)*)", text, re.MULTILINE)
    return found[1].strip() if found else _NO_CHANGES


def _page(release: Release, section: str, files: Sequence[Path], digests: Sequence[str]) -> str:
    named = zip(files, digests, strict=True)
    rows = (f"| {path.name} | {path.stat().st_size:,} | `{digest}` |" for path, digest in named)
    return _TEXT.format(
        version=release.version, changes=section, files="\n".join(rows), commit=release.commit,
        signer=SIGNER, namespace=NAMESPACE, signature=SIGNATURE, sums=SUMS,
    )  # fmt: skip
