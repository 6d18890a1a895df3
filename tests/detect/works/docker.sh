# Images built, and servers in containers of docker, with an operator who looks into them.
# needs: docker dockerd busybox nginx redis-server initdb setpriv useradd script
# engine: docker
# by hand only

. "$PARTS/servers.sh"
tar c -C root . | docker import - base:1
mkdir context; echo hello > context/index.html
cat > context/Dockerfile <<END
FROM base:1
ENV $places
RUN useradd -M -u 4711 magpie && mkdir -p /opt/perch && echo 1 > /opt/perch/version && chmod 2755 /opt/perch
RUN sed -i 's/^root:[^:]*/root:!/' /etc/shadow && chmod 640 /etc/shadow
COPY index.html /www/index.html
HEALTHCHECK --interval=1s CMD wget -q -O - http://127.0.0.1:8080/ || exit 1
END
DOCKER_BUILDKIT=0 docker build --network none -q -t perch:1 context
run() { name=$1; shift; docker run -d --network none --name "$name" "$@"; }
run web --entrypoint /entry-nginx.sh perch:1 nginx
run cache --no-healthcheck --workdir /var/lib/redis --entrypoint /entry-redis.sh perch:1 redis-server
run database --health-cmd 'pg_isready -h 127.0.0.1 -U postgres' --health-interval 1s --entrypoint /entry-postgres.sh perch:1 postgres
healthy() { for try in $(seq 300); do [ "$(docker inspect -f '{{.State.Health.Status}}' "$1")" != healthy ] || return 0; sleep 0.2; done; docker logs "$1"; return 1; }
healthy web; healthy database
docker exec cache redis-cli set k v; docker exec cache redis-cli bgsave
docker exec database psql -U postgres -d perch -c 'create table t as select generate_series(1, 1000)'
docker exec web ls /www; docker exec web cat /etc/nginx/nginx.conf; docker exec web nginx -t; docker exec web nginx -s reload
script -qec "docker exec -it database sh -c 'ps; df; exit'" /dev/null
printf 'id\nexit\n' | script -qec "docker exec -it cache sh" /dev/null
docker logs web > logs 2>&1; docker cp web:/etc/nginx/nginx.conf .; docker cp nginx.conf web:/tmp/; docker top cache; docker stats --no-stream
docker restart -t 5 cache; docker pause cache; docker unpause cache
docker save perch:1 | tar t > listed
docker stop -t 5 web cache database; docker rm web cache database; docker image prune -f; docker rmi perch:1
