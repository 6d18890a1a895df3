# A web server at work.
# needs: nginx curl
# by hand only

mkdir -p www logs; echo hello > www/index.html
printf 'pid %s/pid; error_log %s/logs/error.log; events {} http { access_log %s/logs/access.log; server { listen 127.0.0.1:8099; root %s/www; } }' "$WORK" "$WORK" "$WORK" "$WORK" > conf
chmod -R a+rX "$WORK"
nginx -c "$WORK/conf"
for n in 1 2 3 4 5 6 7 8 9; do curl -s http://127.0.0.1:8099/ > got; done
mv logs/access.log logs/access.log.1; nginx -c "$WORK/conf" -s reopen; nginx -c "$WORK/conf" -s reload
nginx -c "$WORK/conf" -s quit
