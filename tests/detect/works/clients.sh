# Programs that log in with what their user's settings hold.
# needs: curl wget
# by hand only

export HOME="$WORK/home"; mkdir -m 700 home
printf 'machine 127.0.0.1 login x password x\n' > home/.netrc; chmod 600 home/.netrc
"$PYTHON" -m http.server --bind 127.0.0.1 8098 > log 2>&1 & pid=$!
trap 'kill $pid 2> /dev/null || true' EXIT
until curl -s -o /dev/null -n http://127.0.0.1:8098/; do sleep 0.1; done
wget -q -O /dev/null http://127.0.0.1:8098/
kill $pid; wait || true
