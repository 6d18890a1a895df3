# A database made and used.
# needs: initdb pg_ctl psql setpriv
# by hand only

chmod 755 "$WORK"; mkdir data archive sock; chown postgres data archive sock
as() { setpriv --reuid postgres --regid postgres --clear-groups env PATH="$PATH" "$@"; }
as initdb -D data -U postgres > log.init 2>&1
printf "port = 5499\nunix_socket_directories = '%s/sock'\narchive_mode = on\narchive_command = 'cp %%%%p %s/archive/%%%%f'\n" "$WORK" "$WORK" >> data/postgresql.conf
as pg_ctl -D data -l data/log -w start
for n in 1 2 3; do psql -h "$WORK/sock" -p 5499 -U postgres -c "create table t$n (x int); insert into t$n select generate_series(1, 1000); select pg_switch_wal()"; done
as pg_ctl -D data -w -m fast stop
