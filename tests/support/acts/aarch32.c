/* One 32-bit system call of arm, made by a program without libc: aarch32 NUMBER ARGUMENT..., each a number, a text after
   `=`, or the number of zero bytes after `+`. Exits with 0, whatever the result of the call.

   arm-linux-gnueabihf-gcc -static -nostdlib -ffreestanding -O1 -marm */

static char memory[4096];

static long number_of(const char *text) {
  long value = 0, sign = 1;
  if (*text == '-') { sign = -1; text++; }
  while (*text) value = value * 10 + *text++ - '0';
  return sign * value;
}

static long call(long number, const long *args) {
  register long r7 __asm__("r7") = number;
  register long r0 __asm__("r0") = args[0], r1 __asm__("r1") = args[1], r2 __asm__("r2") = args[2];
  register long r3 __asm__("r3") = args[3], r4 __asm__("r4") = args[4], r5 __asm__("r5") = args[5];
  __asm__ volatile("svc 0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5) : "memory");
  return r0;
}

__attribute__((used)) static void run(long *stack) {
  long count = stack[0], args[6] = {0}, used = 0, none[6] = {0};
  char **words = (char **)(stack + 1);
  for (long i = 2; i < count && i < 8; i++) {
    char *word = words[i];
    if (*word == '=') args[i - 2] = (long)(word + 1);
    else if (*word == '+') { args[i - 2] = (long)(memory + used); used += number_of(word + 1); }
    else args[i - 2] = number_of(word);
  }
  call(number_of(words[1]), args);
  call(1, none); /* exit */
}

__attribute__((naked, used)) void _start(void) { __asm__ volatile("mov r0, sp\n b run"); }
