# An image's files below `root`: nginx, redis and PostgreSQL of this machine with the libraries that they need, and entry
# points as images of such servers have them. They drop root, make what is missing, and become the server.

put() {
    for file in "$@" $(ldd "$@" 2> /dev/null | sed -n 's|.* \(/[^ ]*\) (.*|\1|p; s|^\t\(/[^ ]*\) (.*|\1|p'); do
        mkdir -p "root${file%/*}"; cp -L "$file" "root$file"
    done
}
postgres=$(dirname "$(readlink -f "$(command -v initdb)")")
mkdir -p root/bin root/tmp root/var/lib/postgresql root/var/lib/redis root/var/log/nginx root/var/lib/nginx root/run root/www root/docker-entrypoint.d
chmod 1777 root/tmp; ln -s /run root/var/run
put "$(command -v nginx)" "$(command -v redis-server)" "$(command -v redis-cli)" "$(command -v setpriv)" \
    "$(command -v useradd)" "$postgres/psql" "$postgres/postgres" "$postgres/initdb" "$postgres/pg_ctl" "$postgres/pg_isready"
put "$(dirname "$postgres")"/lib/*.so /lib/x86_64-linux-gnu/libnss_*.so*
mkdir -p root/usr/share/postgresql root/usr/share/zoneinfo root/etc/nginx/conf.d
cp -r "/usr/share/postgresql/$(basename "$(dirname "$postgres")")" root/usr/share/postgresql/
cp /usr/share/zoneinfo/UTC root/usr/share/zoneinfo/
cp /bin/busybox root/bin/busybox; cp /etc/login.defs root/etc/
for name in sh cat ls id ps find sed grep chown chmod mkdir rm cp mv echo sleep stat env touch sort head date tr basename dirname readlink wget nc hostname df tar true test '['; do ln -s busybox "root/bin/$name"; done
printf 'root:x:0:0:root:/root:/bin/sh\npostgres:x:70:70::/var/lib/postgresql:/bin/sh\nredis:x:71:71::/var/lib/redis:/bin/sh\nnginx:x:72:72::/var/lib/nginx:/bin/sh\n' > root/etc/passwd
printf 'root:x:0:\npostgres:x:70:\nredis:x:71:\nnginx:x:72:\nshadow:x:42:\n' > root/etc/group
printf 'root:*:1:0:99999:7:::\n' > root/etc/shadow
echo '127.0.0.1 localhost' > root/etc/hosts
printf 'hosts: files dns\npasswd: files\ngroup: files\n' > root/etc/nsswitch.conf
printf 'user nginx; worker_processes 1; daemon off; pid /run/nginx.pid; error_log stderr; events {}\nhttp { access_log /var/log/nginx/access.log; include /etc/nginx/conf.d/*.conf; }\n' > root/etc/nginx/nginx.conf
printf 'server { listen 8080; root /www; }\n' > root/etc/nginx/conf.d/default.conf
echo hello > root/www/index.html
printf '#!/bin/sh\nset -e\ngrep -q server_tokens /etc/nginx/conf.d/default.conf || sed -i "s/listen/server_tokens off; listen/" /etc/nginx/conf.d/default.conf\n' > root/docker-entrypoint.d/10-tokens.sh
cat > root/entry-nginx.sh <<'END'
#!/bin/sh
set -e
find /docker-entrypoint.d -follow -type f | sort | while read -r file; do [ ! -x "$file" ] || "$file"; done
exec "$@"
END
cat > root/entry-redis.sh <<'END'
#!/bin/sh
set -e
if [ "$(id -u)" = 0 ]; then
    find . ! -user redis -exec chown redis '{}' +
    exec /usr/bin/setpriv --reuid redis --regid redis --clear-groups "$0" "$@"
fi
umask 0077
exec "$@"
END
cat > root/entry-postgres.sh <<'END'
#!/bin/sh
set -e
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"; chmod 700 "$PGDATA"; chown -R postgres "$PGDATA"
    mkdir -p /run/postgresql; chmod 3777 /run/postgresql; chown postgres /run/postgresql
    exec /usr/bin/setpriv --reuid postgres --regid postgres --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    file=$(mktemp -p /tmp 2> /dev/null || echo /tmp/pass); echo nest > "$file"
    initdb -U postgres --pwfile="$file"; rm "$file"
    pg_ctl -w start -o "-c listen_addresses=''"
    psql -U postgres -c 'create database perch'
    pg_ctl -w -m fast stop
fi
exec "$@"
END
chmod 755 root/entry-*.sh root/docker-entrypoint.d/*.sh
places="PATH=/usr/sbin:/usr/bin:/sbin:/bin:$postgres PGDATA=/var/lib/postgresql/data"
