# A search in the configuration.

grep -r mozu-none /etc /usr/share/doc/bash || true
find /etc -newer / -type f
