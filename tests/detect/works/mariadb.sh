# A database of MariaDB made, used and dumped.
# needs: mariadbd mariadb-install-db mariadb mariadb-dump mariadb-admin
# by hand only

chmod 755 "$WORK"; mkdir data; chown mysql data
mariadb-install-db --no-defaults --user=mysql --datadir="$WORK/data" --skip-test-db
mariadbd --no-defaults --user=mysql --datadir="$WORK/data" --socket="$WORK/data/sock" --port=3399 --bind-address=127.0.0.1 --pid-file="$WORK/data/pid" --log-bin > log 2>&1 & pid=$!
trap 'kill $pid 2> /dev/null || true' EXIT
until mariadb-admin --no-defaults -S data/sock ping; do sleep 0.2; done
mariadb --no-defaults -S data/sock -e 'create database perch; create table perch.t (x int); insert into perch.t values (1), (2), (3); flush logs'
mariadb-dump --no-defaults -S data/sock --all-databases --single-transaction | gzip > dump.sql.gz
mariadb-admin --no-defaults -S data/sock shutdown; wait $pid
