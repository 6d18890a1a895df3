# A container of docker begun, entered and removed, and an image built.
# needs: docker dockerd busybox
# engine: docker

mkdir -p root/bin; cp /bin/busybox root/bin/busybox
for name in sh ls sleep touch; do ln -s busybox "root/bin/$name"; done
mkdir -m 1777 root/tmp
tar c -C root . | docker import - base:1
docker run --rm --network none base:1 /bin/ls /
docker run -d --network none --stop-timeout 1 --name shop base:1 /bin/sleep 1000
docker exec shop /bin/ls /bin
mkdir context; printf 'FROM base:1\nENV PATH=/bin\nRUN touch /tmp/made\n' > context/Dockerfile
DOCKER_BUILDKIT=0 docker build --network none -q -t made:1 context
docker rm -f shop
