/* SPDX-License-Identifier: Apache-2.0 */
/* Other ways into the kernel, other execution domains, and the processor itself. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"

#ifdef __x86_64__
#include <asm/ldt.h>

#define X32 0x40000000L

/* i386's own numbers. */
#define I386_GETPID 20
#define I386_MOUNT 21
#define I386_PTRACE 26
#define I386_IOCTL 54
#define I386_UNSHARE 310
#define I386_BPF 357

static long int80(long nr, long a, long b, long c, long d, long e)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

/*
 * A kernel without the entry faults (SIGSEGV), so ENOSYS comes from a filter; so does any
 * errno of getpid, while other calls have errors of their own.
 */
static void say_foreign(struct run *r, long result)
{
	bool filter = r->config->seccomp_mode && int80(I386_GETPID, 0, 0, 0, 0, 0) < 0;

	blocked(r, "%s %s", filter ? "seccomp" : "the kernel", errno_name((int)-result));
}

static void i386_getpid(struct run *r)
{
	long result = int80(I386_GETPID, 0, 0, 0, 0, 0);

	if (result == getpid())
		reached(r, "the i386 entry answers: getpid is %ld", result);
	say_foreign(r, result);
}

/* A call that the native policy refuses, by the other door. Arguments lie below 4 GiB. */
static void i386_refused(struct run *r)
{
	long nr = r->attempt->number;
	char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct stat before, after;
	long result;

	if (low == MAP_FAILED)
		broken(r, "no memory below 2 GiB: %s", errno_name(errno));
	(void)stat("/proc/self/ns/user", &before);
	if (nr == I386_UNSHARE)
		result = int80(nr, CLONE_NEWUSER, 0, 0, 0, 0);
	else if (nr == I386_PTRACE)
		result = int80(nr, 0x7fffffff, 0, 0, 0, 0);
	else
		result = int80(nr, (long)(uintptr_t)strcpy(low, "none"),
			       (long)(uintptr_t)strcpy(low + 64, "/tmp"),
			       (long)(uintptr_t)strcpy(low + 128, "tmpfs"), 0, 0);
	(void)stat("/proc/self/ns/user", &after);
	if (result >= 0 || (nr == I386_PTRACE && result == -ESRCH))
		reached(r, "%s by the i386 entry: %ld%s", r->attempt->text, result,
			before.st_ino != after.st_ino ? ", a new user namespace" : "");
	say_foreign(r, result);
}

static void x32_getpid(struct run *r)
{
	if (call(r, X32 | SYS_getpid) == getpid())
		reached(r, "the x32 entry answers");
	refused(r);
}

static void x32_refused(struct run *r)
{
	/* 521 is x32's own ptrace; below 512 the numbers are the native ones. */
	if (call(r, X32 | r->attempt->number, 0x7fffffff, 0, 0, 0) >= 0 || r->err == ESRCH)
		reached(r, "ptrace by an x32 number: %s", errno_name(r->err));
	refused(r);
}

static void local_descriptor(struct run *r)
{
	struct user_desc d = {.entry_number = 0,
			      .limit = 0xfffff,
			      .seg_32bit = 1,
			      .limit_in_pages = 1,
			      .useable = 1};

	if (call(r, SYS_modify_ldt, 1, &d, sizeof(d)) < 0)
		refused(r);
	/* It returns an int in a long: -ENOSYS and the like look positive. */
	if (call(r, SYS_modify_ldt, 0, &d, sizeof(d)) > 0)
		reached(r, "a segment descriptor of its own");
	blocked(r, "the kernel: there is no entry");
}

static void port_level(struct run *r)
{
	if (call(r, SYS_iopl, 3) < 0)
		refused(r);
	reached(r, "I/O privilege level 3");
}

static void port_bits(struct run *r)
{
	if (call(r, SYS_ioperm, 0x80, 1, 1) < 0)
		refused(r);
	reached(r, "I/O port 0x80");
}
#endif

static void domain(struct run *r)
{
	long old = call(r, SYS_personality, 0xffffffffL);
	unsigned long want = (unsigned long)r->attempt->number;

	if (call(r, SYS_personality, want) < 0)
		refused(r);
	if ((unsigned long)personality(0xffffffff) == want)
		reached(r, "personality %lx, was %lx", want, old);
	blocked(r, "the kernel: it is still %lx", old);
}

static void map_zero(struct run *r)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		       -1, 0);

	if (p == MAP_FAILED)
		blocked(r, "%s (mmap_min_addr)", errno_name(errno));
	reached(r, "the page at address 0");
}

#define DOMAIN(name, bits)                                                        \
	{                                                                         \
		"entry." name, "personality " #bits, domain, bits, NULL, BLOCK, 0 \
	}

const struct attempt attempts_entry[] = {
#ifdef __x86_64__
	{"entry.i386-getpid", "getpid by int 0x80", i386_getpid, 0, NULL, BLOCK, SIGNAL_IS_BLOCK},
	{"entry.i386-ptrace", "ptrace by int 0x80", i386_refused, I386_PTRACE, "ptrace", BLOCK,
	 SIGNAL_IS_BLOCK},
	{"entry.i386-mount", "mount by int 0x80", i386_refused, I386_MOUNT, "mount", BLOCK,
	 SIGNAL_IS_BLOCK},
	{"entry.i386-unshare", "unshare by int 0x80", i386_refused, I386_UNSHARE, "unshare", BLOCK,
	 SIGNAL_IS_BLOCK},
	{"entry.x32-getpid", "getpid by an x32 number", x32_getpid, 0, NULL, BLOCK, 0},
	{"entry.x32-ptrace", "ptrace by its x32 number", x32_refused, 521, NULL, BLOCK, 0},
	{"entry.x32-native", "ptrace by its native number and the x32 bit", x32_refused, SYS_ptrace,
	 NULL, BLOCK, 0},
	{"entry.modify_ldt", "modify_ldt", local_descriptor, 0, NULL, BLOCK, 0},
	{"entry.iopl", "iopl(3)", port_level, 0, NULL, BLOCK, 0},
	{"entry.ioperm", "ioperm", port_bits, 0, NULL, BLOCK, 0},
#endif
	DOMAIN("no-randomize", ADDR_NO_RANDOMIZE),
	DOMAIN("read-implies-exec", READ_IMPLIES_EXEC),
	DOMAIN("map-zero-page", MMAP_PAGE_ZERO),
	DOMAIN("linux32", PER_LINUX32),
	{"entry.page-zero", "map the page at address 0", map_zero, 0, NULL, BLOCK, 0},
	{0},
};
