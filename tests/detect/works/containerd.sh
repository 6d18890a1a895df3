# Servers in containers of containerd, with an operator who looks into them.
# needs: ctr containerd busybox nginx redis-server initdb setpriv useradd
# engine: containerd
# by hand only

. "$PARTS/servers.sh"
tar cf layer.tar -C root .
PYTHONPATH="$SOURCES" "$PYTHON" - > image.tar <<'END'
import pathlib, sys
from tests.support.containerd import docker_archive
sys.stdout.buffer.write(docker_archive(pathlib.Path("layer.tar").read_bytes(), "registry.example/perch:1"))
END
ctr images import --snapshotter native image.tar
env=$(for pair in $places; do printf ' --env %s' "$pair"; done)
id() { printf '%s' "$WORK/$1" | sha256sum | cut -c 1-64; }
run() { name=$1; shift; ctr run --detach --cgroup "$CGROUP/default/$(id "$name")" --snapshotter native $env --log-uri "file://$WORK/$name.log" $options registry.example/perch:1 "$(id "$name")" "$@"; }
options='' run web /entry-nginx.sh nginx
options='--cwd /var/lib/redis' run cache /entry-redis.sh redis-server
options='' run database /entry-postgres.sh postgres
inside() { name=$1; shift; ctr tasks exec --exec-id "n$(date +%N)" "$(id "$name")" "$@"; }
answers() { for try in $(seq 100); do ! inside "$@" || return 0; sleep 0.3; done; cat "$1.log"; return 1; }
answers web wget -q -O - http://127.0.0.1:8080/
answers cache redis-cli ping
answers database psql -U postgres -d perch -c 'select 1'
inside cache redis-cli set k v; inside web nginx -s reload; inside database sh -c 'ps; df'
for name in web cache database; do ctr tasks kill --signal SIGTERM "$(id $name)"; done
for name in web cache database; do for try in $(seq 100); do ! ctr tasks delete "$(id $name)" || break; sleep 0.3; done; ctr containers delete "$(id $name)"; done
ctr images rm registry.example/perch:1
