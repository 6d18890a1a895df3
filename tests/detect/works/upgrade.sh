# A service of the distribution installed and upgraded: its user, its units, its timed jobs.
# needs: apt-get dpkg-deb adduser systemd-tmpfiles
# by hand only

made() {  # VERSION
    d=d$1; mkdir -p $d/DEBIAN $d/usr/sbin $d/usr/lib/systemd/system $d/usr/lib/tmpfiles.d $d/etc/cron.daily $d/etc/logrotate.d $d/etc/sudoers.d $d/etc/profile.d
    printf 'Package: mozu-service\nVersion: %s\nArchitecture: all\nDepends: adduser\nMaintainer: x <x@x>\nDescription: x\n' "$1" > $d/DEBIAN/control
    printf '/etc/cron.daily/mozu-service\n/etc/logrotate.d/mozu-service\n' > $d/DEBIAN/conffiles
    cat > $d/DEBIAN/postinst <<'END'
#!/bin/sh
set -e
getent passwd mozu-service > /dev/null || adduser --quiet --system --group --home /var/lib/mozu-service mozu-service
install -d -o mozu-service -m 2750 /var/log/mozu-service
systemd-tmpfiles --create mozu-service.conf || true
deb-systemd-helper enable mozu-service.service > /dev/null || true
update-rc.d mozu-service defaults > /dev/null 2>&1 || true
END
    cat > $d/DEBIAN/postrm <<'END'
#!/bin/sh
set -e
[ "$1" != purge ] || { deluser --quiet --system mozu-service || true; rm -rf /var/log/mozu-service /run/mozu-service; deb-systemd-helper purge mozu-service.service > /dev/null || true; }
END
    printf '#!/bin/sh\nsleep 1000\n' > $d/usr/sbin/mozu-service
    printf '[Service]\nExecStart=/usr/sbin/mozu-service\n[Install]\nWantedBy=multi-user.target\n' > $d/usr/lib/systemd/system/mozu-service.service
    printf 'd /run/mozu-service 0755 mozu-service mozu-service -\n' > $d/usr/lib/tmpfiles.d/mozu-service.conf
    printf '#!/bin/sh\ntrue %s\n' "$1" > $d/etc/cron.daily/mozu-service
    printf '/var/log/mozu-service/*.log {\n  weekly\n}\n' > $d/etc/logrotate.d/mozu-service
    echo 'mozu-service ALL=(root) NOPASSWD: /bin/true' > $d/etc/sudoers.d/mozu-service
    echo "MOZU_SERVICE=$1" > $d/etc/profile.d/mozu-service.sh
    chmod 755 $d/DEBIAN/post* $d/usr/sbin/mozu-service $d/etc/cron.daily/mozu-service; chmod 440 $d/etc/sudoers.d/mozu-service
    dpkg-deb --root-owner-group -b $d mozu-service-$1.deb
}
made 1; made 2
export DEBIAN_FRONTEND=noninteractive
for v in 1 2; do apt-get -o DPkg::Lock::Timeout=60 -o Dpkg::Options::=--force-confdef install -y -q ./mozu-service-$v.deb; done
apt-get -o DPkg::Lock::Timeout=60 install -y -q --reinstall ./mozu-service-2.deb
apt-get -o DPkg::Lock::Timeout=60 purge -y -q mozu-service
