# Logs and accounts searched by an administrator.

printf 'sshd[1]: Failed password for root from 192.0.2.7 port 1 ssh2\n' >> "$LOGS/auth.log"
grep -c 'Failed password' "$LOGS/auth.log"
grep 'Failed password for root' "$LOGS/auth.log" | wc -l
grep -h '^root:' /etc/passwd /etc/group; grep -v nologin /etc/passwd > users
grep -q '^PasswordAuthentication' /etc/ssh/ssh_config || true
find /etc/ssl/certs -name '*.crt' -mtime +3000 > old
