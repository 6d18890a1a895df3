/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* Subprograms: functions that are compiled once, though many programs call them.

   A program calls one by the number of a helper that does not exist (SUBPROGRAM_*, of codegen.py). A copy of it is put behind
   the program for each call, and the call and its returns become jumps (plugins/sources/ebpf/objects/subprograms.py). So a call is no
   call of a BPF function: the return from one is slow where the kernel protects returns of AMD's processors (SRSO), and some
   kernels refuse those in programs with tail calls. */
#pragma once

/* SUBPROGRAM(name)(…) { … }, with five arguments at most, pointers and numbers of 64 bits. */
#ifdef SUBPROGRAMS
#define SUBPROGRAM(name) __attribute__((noinline, section(".bpf.fn.mozu_" #name))) u64 mozu_##name
#else
#define SUBPROGRAM(name) inlined u64 mozu_##name
#endif
/* CALL_SUBPROGRAM(name)(…); in user space, where tests compile the headers, it is a call. */
#ifndef CALL_SUBPROGRAM
#define CALL_SUBPROGRAM(name) ((__typeof__(mozu_##name) *)SUBPROGRAM_##name)
#endif
