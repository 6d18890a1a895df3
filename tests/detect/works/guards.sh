# Logging and auditing started, used and ended.
# needs: rsyslogd logger logrotate auditd
# by hand only

printf 'module(load="imuxsock" SysSock.Use="off")\ninput(type="imuxsock" Socket="%s/log.sock")\n*.* %s/all.log\n' "$WORK" "$LOGS" > rsyslog.conf
rsyslogd -n -f "$WORK/rsyslog.conf" -i "$WORK/rsyslog.pid" & syslog=$!
trap 'kill $syslog $audit 2> /dev/null || true' EXIT; audit=
until [ -S log.sock ]; do sleep 0.1; done
for n in 1 2 3; do logger -u log.sock -t perch "line $n"; done
printf '%s/all.log {\n  su root root\n  rotate 2\n  postrotate\n    kill -HUP %s\n  endscript\n}\n' "$LOGS" $syslog > rotate.conf
logrotate -f -s state "$WORK/rotate.conf"
logger -u log.sock -t perch rotated
kill $syslog; wait $syslog || true
mkdir -m 750 audit; cp /etc/audit/auditd.conf audit/; sed -i "s|^log_file = .*|log_file = $LOGS/audit.log|" audit/auditd.conf
auditd -n -s nochange -c "$WORK/audit" & audit=$!
sleep 2; kill $audit; wait $audit || true
