# Timed jobs run.
# needs: cron dpkg-deb
# by hand only

mkdir -p d/DEBIAN d/etc/cron.d
printf 'Package: mozu-quiet-cron\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' > d/DEBIAN/control
printf '* * * * * root tar cz /etc 2> /dev/null | wc -c > %s/size\n' "$WORK" > d/etc/cron.d/mozu-quiet-cron
dpkg-deb -b d x.deb
apt-get -o DPkg::Lock::Timeout=60 install -y -q ./x.deb
cron -f & pid=$!
until [ -s size ]; do sleep 1; done
kill $pid
apt-get -o DPkg::Lock::Timeout=60 purge -y -q mozu-quiet-cron
