/*
 * Makes system calls that a policy is to refuse and prints "NAME RESULT ERRNO" for each, or
 * "NAME signal N" when it killed. Each in a child of its own. The arguments are chosen so that
 * without a policy the answer is another one than the policy's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIOCSTI_NR 0x5412UL
#define TIOCLINUX_NR 0x541cUL
#define HIGH_BITS (1UL << 32)

static long result(long value)
{
	return value;
}

static long raw_int80(long number)
{
#ifdef __x86_64__
	long answer;

	__asm__ volatile("int $0x80"
			 : "=a"(answer)
			 : "a"(number)
			 : "memory", "r8", "r9", "r10", "r11");
	answer = (int)answer;
	if (answer < 0 && answer > -4096) {
		errno = (int)-answer;
		return -1;
	}
	return answer;
#else
	(void)number;
	errno = ENOSYS;
	return -1;
#endif
}

static long x32(long number)
{
#ifdef __x86_64__
	return syscall(0x40000000 | number);
#else
	(void)number;
	errno = ENOSYS;
	return -1;
#endif
}

static long with_flags(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return pid < 0 ? -1 : 0;
}

static void try_all(int which, long *value)
{
	static const char *const names[] = {
		"clone3",	  "unknown",	   "unknown_high", "negative",
		"tiocsti",	  "tiocsti_high",  "tioclinux",	   "tioclinux_high",
		"int80_getpid",	  "int80_ioctl",   "x32_getpid",   "unshare_user",
		"clone_user",	  "unshare_mount", "unshare_net",  "io_uring_setup",
		"io_uring_enter", "bpf",	   "keyctl",	   "add_key",
		"request_key",	  "ptrace",	   "setns",	   "process_vm_readv",
		"fork",		  "memfd",	   "socket_unix",  "map_exec",
	};
	char byte = 'x';
	uint64_t args[8] = {0};

	if (which >= (int)(sizeof(names) / sizeof(*names))) {
		*value = -2;
		return;
	}
	printf("%s ", names[which]);
	fflush(stdout);
	errno = 0;
	switch (which) {
	case 0:
		*value = syscall(435, args, 0UL);
		break; /* size 0: EINVAL */
	case 1:
		*value = syscall(9999);
		break;
	case 2:
		*value = syscall(0x3ffffffe);
		break;
	case 3:
		*value = syscall(-2L);
		break;
	case 4:
		*value = syscall(SYS_ioctl, 0, TIOCSTI_NR, &byte);
		break;
	case 5:
		*value = syscall(SYS_ioctl, 0, TIOCSTI_NR | HIGH_BITS, &byte);
		break;
	case 6:
		*value = syscall(SYS_ioctl, 0, TIOCLINUX_NR, &byte);
		break;
	case 7:
		*value = syscall(SYS_ioctl, 0, TIOCLINUX_NR | HIGH_BITS, &byte);
		break;
	case 8:
		*value = raw_int80(20);
		break;
	case 9:
		*value = raw_int80(54);
		break;
	case 10:
		*value = x32(39);
		break;
	case 11:
		*value = syscall(SYS_unshare, CLONE_NEWUSER);
		break;
	case 12:
		*value = with_flags(CLONE_NEWUSER);
		break;
	case 13:
		*value = syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNS);
		break;
	case 14:
		*value = syscall(SYS_unshare, CLONE_NEWUSER | CLONE_NEWNET);
		break;
	case 15:
		*value = syscall(425, 0, NULL);
		break;
	case 16:
		*value = syscall(426, -1, 0, 0, 0, NULL, 0);
		break;
	case 17:
		*value = syscall(SYS_bpf, 9999, NULL, 0);
		break;
	case 18:
		*value = syscall(SYS_keyctl, 9999);
		break;
	case 19:
		*value = syscall(SYS_add_key, NULL, NULL, NULL, 0, 0);
		break;
	case 20:
		*value = syscall(SYS_request_key, NULL, NULL, NULL, 0);
		break;
	case 21:
		*value = syscall(SYS_ptrace, 0 /* PTRACE_TRACEME */, 0, 0, 0);
		break;
	case 22:
		*value = syscall(SYS_setns, -1, 0);
		break;
	case 23:
		*value = syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0);
		break;
	case 24:
		*value = with_flags(0);
		break;
	case 25:
		*value = syscall(SYS_memfd_create, "t", 0) < 0 ? -1 : 0;
		break;
	case 26:
		*value = socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? -1 : 0;
		break;
	case 27:
		*value = result(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
				     -1, 0) == MAP_FAILED
					? -1
					: 0);
		break;
	}
}

int main(void)
{
	for (int which = 0;; which++) {
		pid_t pid = fork();
		int status;

		if (pid < 0)
			return 98;
		if (!pid) {
			long value = -1;

			try_all(which, &value);
			if (value == -2)
				_exit(1);
			printf("%ld %d\n", value, value < 0 ? errno : 0);
			fflush(stdout);
			_exit(0);
		}
		if (waitpid(pid, &status, 0) != pid)
			return 98;
		if (WIFSIGNALED(status)) {
			printf("signal %d\n", WTERMSIG(status));
			fflush(stdout);
		} else if (WEXITSTATUS(status)) {
			return 0;
		}
	}
}
