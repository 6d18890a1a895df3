"""Containers without a runtime: a bundle as containerd writes it, and a process in a cgroup of its name. A container
takes a few milliseconds here, which allows counts that no runtime reaches in minutes.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.storms.image import IMAGE
from tests.support.build import compiled
from tests.support.pod_cgroup import cgroup, run_in

_NAMESPACE = "default"


class BundleStand:
    """Stand that makes a bundle and a process, and removes both when the container ends."""

    name = "bundles without a runtime"
    has_pods = False
    socket = None

    def __init__(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="mozu-bundles-"))
        self._bundles = self.root / "io.containerd.runtime.v2.task" / _NAMESPACE
        self._bundles.mkdir(parents=True)
        self._spec: dict[str, Any] = {}
        self._program = Path()

    def prepare(self) -> None:
        """Ask `ctr oci spec` for the specification that containerd uses by default, and compile the image's program."""
        spec = subprocess.run(["ctr", "oci", "spec"], check=True, capture_output=True).stdout
        self._spec = json.loads(spec)
        self._program = compiled("first", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector")

    def put(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Make a container whose process does nothing."""
        own = {"io.kubernetes.cri.container-name": name, "io.kubernetes.cri.image-name": IMAGE}
        (self._bundles / name).mkdir()
        spec = {**self._spec, "annotations": {**own, **(labels or {})}}
        (self._bundles / name / "config.json").write_text(json.dumps(spec))

    def run(self, name: str) -> None:
        """Run one container to its end, and remove it."""
        self.put(name)
        with cgroup(_NAMESPACE, name) as place:
            run_in(place, str(self._program))
        shutil.rmtree(self._bundles / name)

    def enricher(self, socket: Path | None) -> str:
        """Return the enricher's entry with the state directory of this stand; `socket` is not used."""
        return f"containerd: {{socket: null, state: {self.root}, root: {self.root / 'none'}}}"

    def start(self) -> None:
        """Do nothing: there is no server to start."""

    def stop(self) -> None:
        """Do nothing: there is no server to stop."""

    def kill(self) -> None:
        """Do nothing: there is no server to kill."""

    def destroy(self) -> None:
        """Remove the state directory of the stand."""
        shutil.rmtree(self.root)
