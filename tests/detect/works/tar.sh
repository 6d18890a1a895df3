# A machine backed up with tar.

tar czf etc.tgz -C / etc 2> err || true
tar tzf etc.tgz > list
rm etc.tgz
