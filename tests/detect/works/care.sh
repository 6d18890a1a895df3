# Copies of settings made before a change, and checks of files.
# needs: puppet dpkg-reconfigure debconf-show
# by hand only

cp -a /etc before; mkdir -p home; tar czf home.tgz -C / root/.config 2> /dev/null || true
puppet apply --noop --confdir "$WORK/p" --vardir "$WORK/v" --logdir "$WORK/l" -e 'user { "daemon": ensure => present, password => "*" }' || true
