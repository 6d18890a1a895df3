# Jobs of a CI runner: checkout, build, test, artifacts, clean-up, as a user of its own.
# needs: git make gcc setpriv tar

chmod 755 "$WORK"; git init -q origin; cd origin; git config user.name x; git config user.email x@localhost
printf '#include <stdio.h>\nint main(void) { puts("1"); return 0; }\n' > main.c
printf 'x: main.c\n\tgcc -o x main.c\ntest: x\n\t./x\n\tsh ./check.sh\n' > Makefile
printf '#!/bin/sh\nset -e\ntmp=$(mktemp)\necho 1 > "$tmp"\n./x | cmp - "$tmp"\nrm "$tmp"\n' > check.sh; chmod 755 check.sh
git add .; git commit -q -m 1; cd ..
mkdir -m 755 builds; chown nobody builds; git config --global --get safe.directory > /dev/null || true
cat > job.sh <<'END'
set -eu
export HOME=$PWD/home; mkdir -p home/.ssh; chmod 700 home/.ssh
git -c safe.directory='*' clone -q --no-local "$ORIGIN" project; cd project
git checkout -q --detach HEAD; git clean -ffdx -q
make test
tar czf ../artifacts.tgz x; sha256sum ../artifacts.tgz > ../artifacts.sum
cd ..; rm -rf project home
END
chmod 644 job.sh; chown -R nobody origin
for n in 1 2; do
    mkdir builds/$n; chown nobody builds/$n
    (cd builds/$n; ORIGIN="$WORK/origin" setpriv --reuid nobody --regid nogroup --clear-groups bash -e "$WORK/job.sh")
done
