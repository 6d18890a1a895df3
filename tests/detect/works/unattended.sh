# Security upgrades looked for, as every night.
# needs: unattended-upgrade apt-get
# by hand only

unattended-upgrade --dry-run
apt-get -o DPkg::Lock::Timeout=60 -s upgrade
apt-get -o DPkg::Lock::Timeout=60 autoclean
