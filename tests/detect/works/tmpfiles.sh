# Directories made and cleaned as systemd does when the machine starts and every day.
# needs: systemd-tmpfiles systemd-sysusers

printf 'd %s/run 2755 root root -\nf %s/run/state 0644 root root - x\nd %s/old 1777 root root 1s\nL %s/link - - - - run\n' "$WORK" "$WORK" "$WORK" "$WORK" > perch.conf
systemd-tmpfiles --create "$WORK/perch.conf"
echo x > old/x; touch -d '2 days ago' old/x
systemd-tmpfiles --clean "$WORK/perch.conf"
mkdir -p root/etc; printf 'u perch - "x"\n' > sysusers.conf
systemd-sysusers --root "$WORK/root" "$WORK/sysusers.conf"
