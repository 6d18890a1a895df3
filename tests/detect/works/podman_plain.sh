# A container of podman begun, entered and removed, and an image built.
# needs: podman runc busybox

mkdir -p root/bin; cp /bin/busybox root/bin/busybox
for name in sh ls sleep touch; do ln -s busybox "root/bin/$name"; done
mkdir -m 1777 root/tmp
own() { podman --root "$WORK/storage" --runroot "$WORK/run" --runtime runc --cgroup-manager cgroupfs --storage-driver vfs "$@"; }
limits='--ulimit nofile=1024:1024 --ulimit nproc=1024:1024'
tar c -C root . | own import - localhost/base:1
own run --rm --network none --cgroup-parent "$CGROUP/podman" $limits localhost/base:1 /bin/ls /
own run -d --network none --cgroup-parent "$CGROUP/podman" $limits --name shop localhost/base:1 /bin/sleep 1000
own exec shop /bin/ls /bin
mkdir context; printf 'FROM localhost/base:1\nENV PATH=/bin\nRUN touch /tmp/made\n' > context/Dockerfile
own build --network none --cgroup-parent "$CGROUP/build" $limits --pull=never -q -t made:1 context
own rm --force --time 0 shop
