# A machine backed up with restic, checked and restored from.
# needs: restic
# by hand only

export RESTIC_PASSWORD=nest RESTIC_REPOSITORY="$WORK/repo" RESTIC_CACHE_DIR="$WORK/cache"
restic init
restic backup /etc
restic backup --exclude-caches /etc
restic snapshots; restic forget --keep-last 1 --prune; restic check
restic restore latest --include /etc/nsswitch.conf --target restored
