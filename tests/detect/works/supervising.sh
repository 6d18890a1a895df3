# Services and their logs kept by supervisord and svlogd.
# needs: supervisord svlogd
# by hand only

cat > supervisor.conf <<END
[supervisord]
logfile = $LOGS/supervisord.log
pidfile = $WORK/pid
childlogdir = $LOGS
[unix_http_server]
file = $WORK/sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl = unix://$WORK/sock
[program:perch]
command = sh -c "seq 2000; exec sleep 1000"
stdout_logfile_maxbytes = 1KB
stdout_logfile_backups = 2
END
supervisord -c "$WORK/supervisor.conf"
control() { supervisorctl -c "$WORK/supervisor.conf" "$@"; }
until control status | grep RUNNING; do sleep 0.2; done
control restart perch; control shutdown
mkdir "$LOGS/app"; printf 's2000\nn2\n' >> "$LOGS/app/config"; seq 4000 | svlogd "$LOGS/app"
