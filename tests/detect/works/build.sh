# A program configured, built, tested and installed.
# needs: gcc make

printf '#include <stdio.h>\nint main(void) { return printf("1") != 1; }\n' > main.c
printf 'all: x\nx: main.c\n\tgcc -O2 -o x main.c\ntest: x\n\t./x\ninstall: x\n\tinstall -D x out/bin/x\n' > Makefile
d=$(mktemp -d /tmp/conftest.XXXXXX)  # as configure scripts name theirs
printf '#!/bin/sh\ncd "$1" && echo "int main(void) { return 0; }" > conftest.c && gcc -o conftest conftest.c && ./conftest\n'             > configure; chmod 755 configure
./configure "$d"; rm -r "$d"
make all test install
