"""Kernel programs compiled where mozu is built, and relocated for the kernel that loads them.

build            builds object files: python -m mozu.plugins.sources.ebpf.objects.build
compiler         libbcc, and the headers that its prologue includes
codegen          the C of each program and subprogram
subprograms      code that programs share
relocatable      code without descriptors and BTF ids

object_file      the files, which the package contains
kernel_structs   what programs read of the running kernel's structs, and relocation by them
kernel_features  what the running kernel accepts
program_code     programs loaded in the first variant that it accepts
call_exits       programs attached at the exits of calls
"""
