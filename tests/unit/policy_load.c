// SPDX-License-Identifier: Apache-2.0
/* The kernel takes the compiled policies and answers as they say. */
#include "policy_common.h"

#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE ARCH_X86_64
#else
#define NATIVE ARCH_AARCH64
#endif

#ifndef SYS_clone3
#define SYS_clone3 435
#endif

static struct compiled c;

static void ready(const char *file, bool userns_allow)
{
	if (compile(&c, file, NULL, NATIVE, userns_allow) != 0)
		fail_msg("%s", c.said);
}

/* No stdio from here on: only calls that any of the policies allows. */
static int load(void)
{
	struct sock_fprog prog = {c.count, c.code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) != 0)
		return -errno;
	return 0;
}

/* Runs f in a child; its status, or 128 + signal. 0 means good, else the line to look at. */
static int in_child(int (*f)(void))
{
	pid_t pid = fork();
	/* Those that cmocka handles: it would go on with the tests in the child. */
	static const int faults[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGSYS};
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
			signal(faults[i], SIG_DFL);
		/* Not _exit(): the sanitizer has calls of its own to make before that. */
		for (;;)
			syscall(SYS_exit_group, f());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define GIVES(call, want)                             \
	do {                                          \
		long got = (call);                    \
		if ((got < 0 ? -errno : 0) != (want)) \
			return __LINE__ & 127;        \
	} while (0)

static int confined_calls(void)
{
	GIVES(load(), 0);
	GIVES(syscall(SYS_getpid), 0);
	GIVES(syscall(SYS_clone3, NULL, 0), -ENOSYS);
	GIVES(syscall(SYS_ioctl, 0, TIOCSTI, "x"), -EPERM);
	GIVES(syscall(SYS_ioctl, 0, TIOCSTI | 1ul << 32, "x"), -EPERM);
	GIVES(syscall(SYS_ioctl, 0, TIOCLINUX | 0xffffffff00000000, "x"), -EPERM);
	GIVES(syscall(SYS_ioctl, -1, TCGETS, NULL), -EBADF);
	GIVES(syscall(SYS_socket, AF_PACKET, SOCK_RAW, 0), -EAFNOSUPPORT);
	GIVES(syscall(SYS_socket, AF_INET, SOCK_STREAM, 132), -EAFNOSUPPORT);
	GIVES(syscall(SYS_socket, AF_ALG, SOCK_SEQPACKET, 0), -EAFNOSUPPORT);
	GIVES(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0), 0);
	GIVES(syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 0), 0);
	GIVES(syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 9), -EAFNOSUPPORT);
	GIVES(prctl(PR_SET_MM, 0, 0, 0, 0), -EINVAL);
	GIVES(prctl(PR_SET_NAME, "x", 0, 0, 0), 0);
	GIVES(syscall(SYS_ptrace, 0, 0, 0, 0), -EPERM);
	GIVES(syscall(SYS_setns, -1, 0), -EPERM);
	GIVES(syscall(470, 0), -ENOSYS);
	GIVES(syscall(1023, 0), -ENOSYS);
	GIVES(syscall(-1, 0), -ENOSYS);
	return 0;
}

static int no_namespaces(void)
{
	GIVES(load(), 0);
	GIVES(syscall(SYS_unshare, CLONE_NEWUSER), -EPERM);
	GIVES(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), -EPERM);
	GIVES(syscall(SYS_clone, CLONE_NEWNS | 0xffffffff00000000 | SIGCHLD, 0, 0, 0, 0), -EPERM);
	return 0;
}

static int namespaces_pass(void)
{
	GIVES(load(), 0);
	/* What the kernel says to these is its own business; EINVAL comes before any right is
	 * asked for. 0x1000 is CLONE_PIDFD, which unshare does not know. */
	GIVES(syscall(SYS_unshare, 0x1000), -EINVAL);
	GIVES(syscall(SYS_unshare, 0x80), -EPERM);
	GIVES(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS, 0, 0, 0, 0), -EINVAL);
	return 0;
}

static void the_kernel_answers_as_the_policy_says(void **state)
{
	static const char *const names[] = {"shim/policy/stremio.policy",
					    "shim/policy/server.policy"};
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		ready(names[i / 2], i % 2);
		assert_int_equal(in_child(confined_calls), 0);
		assert_int_equal(in_child(i % 2 ? namespaces_pass : no_namespaces), 0);
		release(&c);
	}
}

static int canaries(void)
{
	struct policy p;

	codegen_describe(&c.rs, &p);
	GIVES(load(), 0);
	GIVES(syscall(p.canary_enosys, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul), -ENOSYS);
	GIVES(syscall(p.canary_eperm, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul), -EPERM);
	return 0;
}

static int canaries_unfiltered(void)
{
	struct policy p;
	long rc;

	codegen_describe(&c.rs, &p);
	rc = syscall(p.canary_enosys, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul);
	if (rc >= 0 || errno == ENOSYS)
		return 1;
	rc = syscall(p.canary_eperm, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul, ~0ul);
	return rc >= 0 || errno == EPERM ? 2 : 0;
}

static void canaries_tell_a_filter_from_none(void **state)
{
	(void)state;
	ready("shim/policy/stremio.policy", false);
	assert_int_equal(in_child(canaries_unfiltered), 0);
	assert_int_equal(in_child(canaries), 0);
	release(&c);
}

static int supervisor(void)
{
	GIVES(load(), 0);
	GIVES(syscall(SYS_getpid), 0);
	GIVES(syscall(SYS_ioctl, -1, TIOCGPGRP, NULL), -EBADF);
	GIVES(syscall(SYS_ioctl, 0, TIOCSTI, "x"), -EPERM);
	GIVES(syscall(SYS_execve, "/bin/true", NULL, NULL), -ENOSYS);
	GIVES(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0), -ENOSYS);
	return 0;
}

static void the_supervisors_filter_executes_nothing(void **state)
{
	(void)state;
	ready("shim/policy/init.policy", false);
	assert_int_equal(in_child(supervisor), 0);
	release(&c);
}

#if defined(__x86_64__)
/* getpid by the 32-bit entry. */
static int int80_getpid(void)
{
	int rc;

	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(20)
			 : "memory", "cc", "r8", "r9", "r10", "r11");
	return rc;
}

static int int80_works(void)
{
	return int80_getpid() > 0 ? 0 : 1;
}

static int int80_confined(void)
{
	GIVES(load(), 0);
	return int80_getpid() == -ENOSYS ? 0 : __LINE__ & 127;
}

static int x32_confined(void)
{
	GIVES(load(), 0);
	GIVES(syscall(0x40000000 | SYS_getpid), -ENOSYS);
	GIVES(syscall(0x40000000 | 520, "/bin/true", NULL, NULL), -ENOSYS);
	return 0;
}
#endif

static void the_32_bit_entries_get_enosys(void **state)
{
	(void)state;
#if defined(__x86_64__)
	ready("shim/policy/stremio.policy", false);
	assert_int_equal(in_child(x32_confined), 0);
	/* A kernel without IA32 emulation faults instead. */
	if (in_child(int80_works) != 0) {
		release(&c);
		skip();
	}
	assert_int_equal(in_child(int80_confined), 0);
	release(&c);
#else
	skip();
#endif
}

static int nested(void)
{
	GIVES(load(), 0);
	/* As a web engine does in its renderers. */
	GIVES(load(), 0);
	GIVES(syscall(SYS_getpid), 0);
	return 0;
}

static void an_engine_can_put_its_own_filter_below(void **state)
{
	(void)state;
	ready("shim/policy/stremio.policy", false);
	assert_int_equal(in_child(nested), 0);
	release(&c);
}

static int loads(void)
{
	return load() == 0 ? 0 : 1;
}

static void the_kernel_takes_the_longest_program_the_compiler_makes(void **state)
{
	char *text = malloc(400000), name[64];
	size_t used;
	uint32_t nr;

	(void)state;
	assert_non_null(text);
	used = (size_t)sprintf(text, HEAD);
	for (nr = 40; nr < 250; nr++) {
		int k;

		call_name(NATIVE, nr, name, sizeof(name));
		/* What the child itself needs. */
		if (!name[0] || strstr("exit_group execve prctl write futex", name))
			continue;
		for (k = 0; k < 5; k++)
			used += (size_t)sprintf(text + used,
						"errno EPERM %s if arg%d & 0xff == %d\n", name, k,
						k + 1);
		used += (size_t)sprintf(text + used, "allow %s\n", name);
	}
	if (compile(&c, NULL, text, NATIVE, false) != 0)
		fail_msg("%s", c.said);
	assert_true(c.count > 3000);
	assert_int_equal(in_child(loads), 0);
	release(&c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_kernel_answers_as_the_policy_says),
		cmocka_unit_test(canaries_tell_a_filter_from_none),
		cmocka_unit_test(the_supervisors_filter_executes_nothing),
		cmocka_unit_test(the_32_bit_entries_get_enosys),
		cmocka_unit_test(an_engine_can_put_its_own_filter_below),
		cmocka_unit_test(the_kernel_takes_the_longest_program_the_compiler_makes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
