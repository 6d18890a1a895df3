# A developer looks for faults in his own program.
# needs: gcc gdb strace valgrind
# by hand only

printf '#include <stdlib.h>\nint main(void) { int *x = malloc(4); *x = 1; int y = *x; free(x); return y - 1; }\n' > x.c
gcc -g -o x x.c
gdb -q -batch -ex 'break main' -ex run -ex 'print 1 + 1' -ex continue ./x
strace -f -o calls ./x; valgrind -q ./x
