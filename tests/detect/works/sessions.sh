# Terminals of an administrator, with histories.
# needs: script bash tmux
# by hand only

export HOME="$WORK/home"; mkdir -m 700 home
printf 'ls /\nuptime\nexit\n' | script -qec 'bash -i' /dev/null
printf 'uptime\nexit\n' | script -qec 'bash -i' /dev/null
printf 'print(1)\nexit()\n' | script -qec "$PYTHON" /dev/null
tmux -S "$WORK/tmux" new-session -d 'uptime; sleep 1'; tmux -S "$WORK/tmux" kill-server || true
