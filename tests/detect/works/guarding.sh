# Guards of the machine rotated, enabled and ended by their own means.
# needs: systemctl fail2ban-client unshare iptables
# by hand only

systemctl kill -s HUP rsyslog.service || true  # as Debian's logrotate does for rsyslog
mkdir -p root/etc/systemd/system root/usr/lib/systemd/system jail
printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' > root/usr/lib/systemd/system/nftables.service
systemctl --root="$WORK/root" unmask nftables; systemctl --root="$WORK/root" enable --now nftables || true
cp -r /etc/fail2ban/action.d /etc/fail2ban/filter.d /etc/fail2ban/fail2ban.conf /etc/fail2ban/jail.conf /etc/fail2ban/paths-*.conf jail
touch "$LOGS/auth.log"
printf '[sshd]\nenabled = true\nbackend = polling\nlogpath = %s/auth.log\nbanaction = iptables-multiport\n' "$LOGS" > jail/jail.local
cat > ban.sh <<'END'
f2b() { fail2ban-client -c "$WORK/jail" -s "$WORK/f2b.sock" -p "$WORK/f2b.pid" --logtarget "$LOGS/fail2ban.log" "$@"; }
f2b start
until f2b set sshd banip 192.0.2.77; do sleep 0.2; done
until grep -q ' Ban 192.0.2.77' "$LOGS/fail2ban.log"; do sleep 0.2; done
until iptables -n -L f2b-sshd; do sleep 0.2; done
f2b reload; f2b stop
END
sed -i "s|^dbfile = .*|dbfile = $WORK/f2b.db|" jail/fail2ban.conf
unshare -n sh -eu ban.sh
