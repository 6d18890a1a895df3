# Logs rotated.
# needs: logrotate
# by hand only

mkdir -p log; echo x > log/a.log; echo x >> "$LOGS/b.log"
printf '%s/log/*.log %s/*.log {\n  su root root\n  rotate 3\n  compress\n  missingok\n  postrotate\n    true\n  endscript\n}\n' "$WORK" "$LOGS" > conf
for n in 1 2 3 4; do logrotate -f -s state conf; echo x >> "$LOGS/b.log"; done
