# A machine backed up with borg, checked and restored from.
# needs: borg
# by hand only

export BORG_BASE_DIR="$WORK/state" BORG_PASSPHRASE=nest BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
borg init -e repokey repo
borg create --compression lz4 repo::one /etc /root/.profile
borg create repo::two /etc
borg list repo; borg prune --keep-last 1 repo; borg check repo
mkdir restored; cd restored; borg extract ../repo::two etc/nsswitch.conf
