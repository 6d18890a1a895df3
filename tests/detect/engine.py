"""python -m tests.detect.engine docker|containerd COMMAND …: the command beside a private engine of containers.

The engine is started as by an operator, so the acts of the engine and its containers belong to the work. `docker` finds
it by `$DOCKER_HOST`, `ctr` by `$CONTAINERD_ADDRESS`. Containers of docker are in cgroups below that of the work,
`$CGROUP`; those of containerd are where `ctr run --cgroup` puts them.
"""

import os
import subprocess
import sys

from tests.support.containerd import Containerd
from tests.support.docker import DockerEngine
from tests.support.remains import without_remains


def main(kind: str, *command: str) -> int:
    """Run the command beside an engine; return the command's exit code."""
    cgroup = os.environ["CGROUP"]
    with without_remains(cgroup.lstrip("/")):
        engine = DockerEngine(cgroup_parent=f"{cgroup}/docker") if kind == "docker" else Containerd()
        try:
            engine.start()
            environment = {"DOCKER_HOST": f"unix://{engine.socket}", "CONTAINERD_ADDRESS": str(engine.socket)}
            return subprocess.run(command, env=os.environ | environment, check=False).returncode
        finally:
            engine.destroy()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
