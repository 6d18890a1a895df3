# A machine backed up with rsync.
# needs: rsync
# by hand only

rsync -a /etc/ copy/
rsync -a --delete /etc/ copy/
