/*
 * Makes a running process do system calls of somebody else's choice and prints what it got:
 *
 *	poke PID NUMBER...
 *
 * All six arguments are ~0, so that a call that gets through has no effect. The process must
 * sit in a system call (a poll): that one returns EINTR afterwards.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#ifdef __x86_64__
static void wait_for_stop(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) {
		fprintf(stderr, "poke: the process did not stop\n");
		exit(125);
	}
}

static void must(long result, const char *what)
{
	if (result < 0) {
		fprintf(stderr, "poke: %s: %s\n", what, strerror(errno));
		exit(125);
	}
}

static long call(pid_t pid, const struct user_regs_struct *before, long number)
{
	struct user_regs_struct regs = *before;

	/* Two bytes back stands the instruction that made the call it sits in. */
	regs.rip -= 2;
	regs.rax = (unsigned long)number;
	regs.orig_rax = ~0UL; /* nothing to restart */
	regs.rdi = regs.rsi = regs.rdx = regs.r10 = regs.r8 = regs.r9 = ~0UL;
	must(ptrace(PTRACE_SETREGS, pid, 0, &regs), "set registers");
	for (int stop = 0; stop < 2; stop++) {
		must(ptrace(PTRACE_SYSCALL, pid, 0, 0), "go on");
		wait_for_stop(pid);
	}
	must(ptrace(PTRACE_GETREGS, pid, 0, &regs), "get registers");
	return (long)regs.rax;
}

int main(int argc, char **argv)
{
	struct user_regs_struct before;
	pid_t pid;

	if (argc < 3)
		return 125;
	pid = atoi(argv[1]);
	must(ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD), "seize");
	must(ptrace(PTRACE_INTERRUPT, pid, 0, 0), "interrupt");
	wait_for_stop(pid);
	must(ptrace(PTRACE_GETREGS, pid, 0, &before), "get registers");
	for (int i = 2; i < argc; i++)
		printf("%s %ld\n", argv[i], call(pid, &before, atol(argv[i])));
	before.rax = (unsigned long)-EINTR;
	before.orig_rax = ~0UL;
	must(ptrace(PTRACE_SETREGS, pid, 0, &before), "set registers");
	must(ptrace(PTRACE_DETACH, pid, 0, 0), "detach");
	return 0;
}
#else
int main(void)
{
	fprintf(stderr, "poke: only written for x86_64\n");
	return 99;
}
#endif
