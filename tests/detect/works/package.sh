# A package of the distribution installed and removed.
# needs: apt-get dpkg-deb

mkdir -p d/DEBIAN d/etc d/usr/bin d/etc/cron.d
printf 'Package: mozu-quiet\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' > d/DEBIAN/control
printf '#!/bin/sh\nset -e\necho done > /etc/mozu-quiet.state\nldconfig\n' > d/DEBIAN/postinst
printf '#!/bin/sh\nset -e\nrm -f /etc/mozu-quiet.state\n' > d/DEBIAN/postrm
chmod 755 d/DEBIAN/post*
echo x > d/etc/mozu-quiet.conf; echo '# none' > d/etc/cron.d/mozu-quiet
printf '#!/bin/sh\n' > d/usr/bin/mozu-quiet; chmod 755 d/usr/bin/mozu-quiet
dpkg-deb -b d x.deb
apt-get -o DPkg::Lock::Timeout=60 install -y -q ./x.deb
apt-get -o DPkg::Lock::Timeout=60 purge -y -q mozu-quiet
