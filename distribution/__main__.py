"""`python -m distribution deb|rpm|image|lock|repository|release`."""

import argparse
from pathlib import Path
from typing import Final

from distribution import deb, publication, repository, rpm, wheels
from distribution.image import build as image
from distribution.release import release_of

ROOT: Final = Path(__file__).parents[1]
_PRODUCTS: Final = (
    ("deb", "the package for Debian and Ubuntu"),
    ("rpm", "the package for distributions with rpm"),
    ("image", "the container image, an OCI layout"),
)


def main() -> None:
    """Run the command that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m distribution")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, product in _PRODUCTS:
        build = commands.add_parser(name, help=f"{product}, of the commit that is checked out")
        build.add_argument("--output", type=Path, default=ROOT / "dist", help="directory that it is written to")
        build.add_argument("--machine", choices=wheels.MACHINES, default="x86_64", help="that it is for")
        build.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels", help="where wheels are kept")
        if name == "image":
            build.add_argument("--key", type=Path, help="private key on P-256 in PEM that signs, as cosign does")
    commands.add_parser("lock", help="write wheels.lock: the wheels of constraints.txt")
    lay_out = commands.add_parser("repository", help="a signed repository for apt, of the packages of a directory")
    lay_out.add_argument("--files", type=Path, default=ROOT / "dist", help="directory that has packages and wheel")
    lay_out.add_argument("--key", required=True, help="fingerprint of the secret key of gpg that signs")
    lay_out.add_argument("--url", required=True, help="address at which the repository will be published")
    sign = commands.add_parser("release", help="digests, signature and page for the files of a directory")
    sign.add_argument("--files", type=Path, default=ROOT / "dist", help="directory that has the files")
    sign.add_argument("--key", type=Path, required=True, help="OpenSSH's private key that signs")
    given = parser.parse_args()
    if given.command == "lock":
        wheels.write_lock(ROOT)
        return
    if given.command == "repository":
        print(repository.lay_out(release_of(ROOT), given.files, given.key, given.url))
        return
    if given.command == "release":
        print(publication.publish(ROOT, release_of(ROOT), given.files, given.key))
        return
    found = wheels.fetched(given.wheels, given.machine)
    if given.command == "image":
        made = image.build(ROOT, release_of(ROOT), found, given.output, given.machine, given.key)
        print(*made, sep="\n")
        return
    build_package = {"deb": deb.build, "rpm": rpm.build}[given.command]
    print(build_package(ROOT, release_of(ROOT), found, given.output, given.machine))


if __name__ == "__main__":
    main()
