# A package with tables of encodings installed, and encrypted backups copied.
# needs: apt-get dpkg-deb openssl rsync
# by hand only

mkdir -p d/DEBIAN d/usr/share/mozu-quiet-encodings
printf 'Package: mozu-quiet-encodings\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n' > d/DEBIAN/control
for name in ascii koi8-r; do echo x > "d/usr/share/mozu-quiet-encodings/$name.enc"; done  # as those of Tcl
dpkg-deb -b d x.deb
apt-get -o DPkg::Lock::Timeout=60 install -y -q ./x.deb
apt-get -o DPkg::Lock::Timeout=60 purge -y -q mozu-quiet-encodings
mkdir kept; echo x | openssl enc -aes-256-cbc -pbkdf2 -k x -out backup.enc
rsync -a backup.enc kept/
