"""`build`: the image of a commit as an OCI layout, its bill of materials, and its signature."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from distribution import tree
from distribution.deb import ARCHITECTURES
from distribution.description import HOMEPAGE, SUMMARY
from distribution.image import base, oci, signature, spdx
from distribution.release import Release, file_of
from distribution.wheels import Wheel, by_release

_CONFIGURATION: Final = "distribution/image/mozu.yaml"
_OF_SYSTEMD: Final = (
    "etc/logrotate.d", "usr/lib/systemd", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d", "usr/share/man",
    "usr/share/mozu/notify-reload.conf", "usr/share/bash-completion", "usr/share/zsh", "usr/share/fish",
    "usr/share/doc/mozu/mozu.cdx.json", "usr/lib/mozu/bin/new-rules", "usr/lib/mozu/bin/set-up",
    "etc/mozu/rules.enabled",
)  # fmt: skip
"""What an image has no use for: units, manual pages, scripts, the bill of the wheels for all versions of Python."""
_COMPILED: Final = (f"usr/lib/python{base.PYTHON}", tree.SITE)


class Image(NamedTuple):
    """An image that was written."""

    file: Path
    """The OCI layout, one tar file."""
    bill: Path
    """What is in it, in SPDX 2.3."""
    digest: str
    """Digest of the manifest, by which a registry names the image."""


def build(
    root: Path, release: Release, wheels: Sequence[Path], output: Path, machine: str, key: Path | None = None
) -> Image:
    """Build the image for `machine` below `output`, and sign it if there is a `key` (a private key on P-256 in PEM).

    `wheels` are those for `machine`. Needs root or user namespaces.
    """
    chosen = [path for path in wheels if Wheel(path.name, "").fits(base.PYTHON)]
    architecture = ARCHITECTURES[machine]
    output.mkdir(parents=True, exist_ok=True)
    version = release.version.replace("~", "-")  # a tag has no tilde
    name = f"mozu_{version}_{architecture}"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        debian, system, mozu = base.packages(architecture, place / "packages"), place / "system", place / "mozu"
        for tree_of in (system, mozu):
            tree_of.mkdir()
        base.unpack(debian, system)
        tree.make(root, release, wheels, mozu, machine)
        _settle(root, release, mozu)
        native = place / "native"
        native.mkdir()
        base.unpack(debian if _is_native(architecture) else base.packages(_native(), place / "own"), native)
        for top, compiled in zip((system, mozu), _COMPILED, strict=True):
            base.compile_modules(native, top, [compiled])
        tree.settle(mozu, release.epoch)
        layers = [
            oci.layer(system, release.epoch, f"Debian {base.SUITE}: Python {base.PYTHON} and libraries"),
            oci.layer(mozu, release.epoch, f"mozu {release.version}"),
        ]
        moment = datetime.fromtimestamp(release.epoch, UTC).isoformat().replace("+00:00", "Z")
        file = output / f"{name}.oci.tar"
        digest = oci.write(file, layers, _configuration(release, moment), architecture, moment, f"mozu:{version}")
        bill = output / f"{name}.spdx.json"
        bill.write_text(spdx.bill(release, digest, debian, by_release(chosen), moment))
    if key:
        signature.sign(output / f"{name}.sig.oci.tar", digest, key, "mozu")
    return Image(file, bill, digest)


def _settle(root: Path, release: Release, mozu: Path) -> None:
    """Make the tree of a package the tree of an image."""
    for name in _OF_SYSTEMD:
        path = mozu / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    own = f".cpython-{base.PYTHON.replace('.', '')}-"
    for module in mozu.rglob("*.cpython-*.so"):
        if own not in module.name:
            module.unlink()
    (mozu / "etc/mozu/mozu.yaml").write_bytes(file_of(root, release.commit, _CONFIGURATION))
    for state in ("var/lib/mozu", "etc/mozu/rules.d", "etc/mozu/config.d", "etc/mozu/secrets"):
        (mozu / state).mkdir(parents=True, exist_ok=True)


def _configuration(release: Release, moment: str) -> oci.Json:
    return {
        "Entrypoint": ["/usr/bin/mozu"],
        "Cmd": ["run"],
        "Env": ["PATH=/usr/bin:/usr/sbin", "LANG=C.UTF-8"],
        "WorkingDir": "/",
        "Volumes": {"/var/lib/mozu": {}},
        "StopSignal": "SIGTERM",
        "Labels": {
            "org.opencontainers.image.title": "mozu",
            "org.opencontainers.image.description": SUMMARY,
            "org.opencontainers.image.version": release.version,
            "org.opencontainers.image.revision": release.commit,
            "org.opencontainers.image.created": moment,
            "org.opencontainers.image.url": HOMEPAGE,
            "org.opencontainers.image.licenses": "Apache-2.0",
        },
    }


def _native() -> str:
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _is_native(architecture: str) -> bool:
    return architecture == _native()
