# A cache server at work.
# needs: redis-server redis-cli
# by hand only

redis-server --port 6399 --daemonize yes --pidfile "$WORK/pid" --dir "$WORK" --logfile "$WORK/log"
until redis-cli -p 6399 ping; do sleep 0.1; done
for n in 1 2 3 4 5 6 7 8 9; do redis-cli -p 6399 set k$n $n; done
redis-cli -p 6399 bgsave; redis-cli -p 6399 shutdown
