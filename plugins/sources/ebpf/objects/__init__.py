"""Kernel programs compiled where mozu is built, and relocated for the kernel that loads them.

build          builds object files: python -m mozu.plugins.sources.ebpf.objects.build
text           the C text of a compilation
compiler       libbcc
stub_headers   headers that libbcc's prologue includes
drawn          layouts of kernel structs, drawn by lot
differences    relocations, from compilations with several of them

object_file    the files, which the package contains
kernel_layout  the running kernel's structs, and relocation by them
"""
