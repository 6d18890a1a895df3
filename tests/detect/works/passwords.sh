# Passwords kept by pass in a repository of git.
# needs: pass gpg git
# by hand only

export HOME="$WORK/home" GNUPGHOME="$WORK/home/.gnupg"; mkdir -m 700 home home/.gnupg
trap 'gpgconf --kill all' EXIT
git config --global user.name x; git config --global user.email x@localhost
gpg -q --batch --passphrase '' --quick-generate-key x@localhost default default never
pass init x@localhost; pass git init; pass generate -n a/b 12; pass show a/b > shown; pass git log > log
