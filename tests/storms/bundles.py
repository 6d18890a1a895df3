"""Containers without a runtime: a bundle as containerd writes it, and a process in a cgroup of its name.

For counts that no runtime reaches in minutes: a container takes a few milliseconds here.
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
    """A bundle, a process, and neither any more."""

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
        """What containerd asks a runtime for unless it is configured otherwise, and the image's program."""
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
        """Its state directory."""
        return f"containerd: {{socket: null, state: {self.root}, root: {self.root / 'none'}}}"

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        """Nothing to stop."""

    def kill(self) -> None:
        """Nothing to end."""

    def destroy(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.root)
