# An operator looks after the machine.
# needs: ss ps less
# by hand only

echo "a line" >> "$LOGS/a.log"
ss -tlnp; ps auxww; top -b -n 1 | head -5; free; df -h; mount | head; uptime; last -n 3 || true
tail -n 3 "$LOGS/a.log"; less "$LOGS/a.log" < /dev/null; grep -c line "$LOGS/a.log"; zcat -f "$LOGS/a.log"
du -xsh /etc /var/log; find /var/log -name '*.gz' -mtime +30; dpkg --verify bash; dpkg -l > list; cat /etc/passwd /etc/hosts /proc/1/status /proc/meminfo > seen
strace -c -o counted ls / || true
sysctl -a > sysctls 2> err || true
cp /etc/hosts hosts; sed -i 's/x/y/' hosts; diff /etc/hosts hosts || true
curl -s http://127.0.0.1:1/ || true
