# Lists of packages updated.
# needs: apt-get
# by hand only

apt-get update -q || true
apt-cache policy bash
