# A port waited for, as entry points of containers do.
# needs: nc unshare ip
# by hand only

unshare -n sh -euc 'ip link set lo up; ip addr add 192.0.2.1/32 dev lo
"$PYTHON" -m http.server --bind 192.0.2.1 8097 > log 2>&1 & pid=$!
until nc -z -w 1 192.0.2.1 8097; do sleep 0.1; done
kill $pid; wait || true'
