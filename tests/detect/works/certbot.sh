# Certificates got, renewed and deployed by certbot, from a server of ACME on loopback.
# needs: certbot pebble openssl nginx
# by hand only

mkdir tls; cd tls
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem; cd ..
printf '{"pebble": {"listenAddress": "127.0.0.1:14099", "managementListenAddress": "127.0.0.1:15099", "certificate": "%s/tls/cert.pem", "privateKey": "%s/tls/key.pem", "httpPort": 5099, "tlsPort": 5098}}\n' "$WORK" "$WORK" > pebble.json
PEBBLE_VA_NOSLEEP=1 PEBBLE_VA_ALWAYS_VALID=1 pebble -config pebble.json > pebble.log 2>&1 & pid=$!
until curl -ks https://127.0.0.1:14099/dir > dir; do sleep 0.2; done
cat > deploy.sh <<'END'
#!/bin/sh
set -e
cat "$RENEWED_LINEAGE/fullchain.pem" "$RENEWED_LINEAGE/privkey.pem" > "$DEPLOY/haproxy.pem"
cp -L "$RENEWED_LINEAGE/privkey.pem" "$DEPLOY/key.pem"
openssl x509 -noout -enddate -in "$RENEWED_LINEAGE/cert.pem"
END
chmod 755 deploy.sh; mkdir -m 700 deployed
trap 'kill $pid; rm -rf /etc/letsencrypt/accounts/127.0.0.1* /etc/letsencrypt/live/mozu.example /etc/letsencrypt/archive/mozu.example /etc/letsencrypt/renewal/mozu.example.conf' EXIT
export REQUESTS_CA_BUNDLE="$WORK/tls/cert.pem" DEPLOY="$WORK/deployed"
bot() { certbot "$@" --server https://127.0.0.1:14099/dir --work-dir "$WORK/bot" --logs-dir "$LOGS" --non-interactive; }
bot certonly --standalone --http-01-port 5099 --agree-tos --register-unsafely-without-email --cert-name mozu.example -d mozu.example --deploy-hook "$WORK/deploy.sh"
bot renew --force-renewal --cert-name mozu.example --no-random-sleep-on-renew
