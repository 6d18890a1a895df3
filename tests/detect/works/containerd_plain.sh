# A container of containerd begun, entered and removed.
# needs: ctr containerd runc busybox
# engine: containerd

mkdir -p root/bin; cp /bin/busybox root/bin/busybox
for name in sh ls sleep; do ln -s busybox "root/bin/$name"; done
tar cf layer.tar -C root .
PYTHONPATH="$SOURCES" "$PYTHON" - > image.tar <<'END'
import pathlib, sys
from tests.support.containerd import docker_archive
sys.stdout.buffer.write(docker_archive(pathlib.Path("layer.tar").read_bytes(), "registry.example/base:1"))
END
ctr images import --snapshotter native image.tar
id=$(printf '%s' "$WORK" | sha256sum | cut -c 1-64)
ctr run --detach --cgroup "$CGROUP/default/$id" --snapshotter native registry.example/base:1 "$id" /bin/sleep 1000
ctr tasks exec --exec-id look "$id" /bin/ls /bin
ctr tasks delete --force "$id"; ctr containers delete "$id"
