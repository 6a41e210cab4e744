/*
 * Runs a program and makes chosen system calls fail, lie or dawdle:
 *
 *	inject [-1] [-o TRACE] [PROCESS:NUMBER:COUNT:ACTION]... -- PROGRAM [ARG]...
 *
 * PROCESS is 0 for the program and 1, 2 ... for its children in the order of their birth; NUMBER a
 * system call number; COUNT which such call of that process, from 1. ACTION: errno=N (not done,
 * answered -N), ret=N (not done, answered N), delay=MICROSECONDS. -1 makes PROGRAM the PID 1 of
 * a new PID namespace. TRACE gets a line "PROCESS NUMBER COUNT RESULT DETAIL" for each call between
 * the exec of PROGRAM and a child's own exec, where that child is let go ("PROCESS exec"). DETAIL
 * is the path of an open, else the first two arguments.
 *
 * ptrace(2): a number set to -1 at the entry stop skips the call and also passes any filter.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 8
#define NUMBERS 512

enum action { FAIL, LIE, DELAY };

struct rule {
	long process, number, count, value;
	enum action action;
};

static struct rule rules[16];
static int rule_count;

static struct tracee {
	pid_t pid;
	int inside;  /* between the entry and the exit stop of a call */
	int started; /* past the exec of PROGRAM */
	int pending; /* the result is to be replaced by `result` */
	int stopped; /* first stop seen */
	long number, result;
	char detail[64];
	int counts[NUMBERS];
} tracees[PROCESSES];

static int tracee_count;
static pid_t delayed;
static FILE *trace;

static void die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	exit(125);
}

static struct tracee *find(pid_t pid)
{
	for (int i = 0; i < tracee_count; i++)
		if (tracees[i].pid == pid)
			return &tracees[i];
	if (tracee_count == PROCESSES)
		return NULL;
	tracees[tracee_count].pid = pid;
	return &tracees[tracee_count++];
}

static void set_number(pid_t pid, long number)
{
#ifdef __x86_64__
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), number))
		die("set number");
#else
	int value = (int)number;
	struct iovec vec = {&value, sizeof(value)};

	if (ptrace(PTRACE_SETREGSET, pid, 0x404 /* NT_ARM_SYSTEM_CALL */, &vec))
		die("set number");
#endif
}

static void set_result(pid_t pid, long result)
{
#ifdef __x86_64__
	if (ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), result))
		die("set result");
#else
	unsigned long long regs[34];
	struct iovec vec = {regs, sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vec))
		die("get result");
	regs[0] = (unsigned long long)result;
	if (ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &vec))
		die("set result");
#endif
}

static void no_op(int sig)
{
	(void)sig;
}

/* What tells one prctl(2) or openat(2) from another. */
static void describe(struct tracee *one, const unsigned long long *args)
{
	unsigned long long path = 0;

	if (one->number == SYS_openat)
		path = args[1];
#ifdef SYS_open
	else if (one->number == SYS_open)
		path = args[0];
#endif
	if (path) {
		/* Strings may end before a page that is not there: read what can be read. */
		size_t room = 4096 - path % 4096;
		struct iovec to = {one->detail, sizeof(one->detail) - 1};
		struct iovec from = {(void *)(uintptr_t)path,
				     room < to.iov_len ? room : to.iov_len};

		memset(one->detail, 0, sizeof(one->detail));
		if (process_vm_readv(one->pid, &to, 1, &from, 1, 0) > 0)
			return;
	}
	snprintf(one->detail, sizeof(one->detail), "%llu,%llu", args[0], args[1]);
}

static void enter(struct tracee *one, long number, const unsigned long long *args)
{
	long process = one - tracees;

	one->number = number;
	one->pending = 0;
	if (number < 0 || number >= NUMBERS)
		return;
	one->counts[number]++;
	describe(one, args);
	for (int i = 0; i < rule_count; i++) {
		struct rule *rule = &rules[i];

		if (rule->process != process || rule->number != number ||
		    rule->count != one->counts[number])
			continue;
		if (rule->action == DELAY) {
			/* Again and again: one that comes while something else is seen to is lost. */
			struct itimerval timer = {
				.it_value = {rule->value / 1000000, rule->value % 1000000},
				.it_interval = {0, 10000},
			};
			delayed = one->pid;
			setitimer(ITIMER_REAL, &timer, NULL);
			return;
		}
		set_number(one->pid, -1);
		one->pending = 1;
		one->result = rule->action == FAIL ? -rule->value : rule->value;
	}
}

static void leave(struct tracee *one, long result)
{
	if (one->pending) {
		set_result(one->pid, one->result);
		result = one->result;
	}
	one->pending = 0;
	if (trace && one->number >= 0 && one->number < NUMBERS)
		fprintf(trace, "%d %ld %d %ld %s\n", (int)(one - tracees), one->number,
			one->counts[one->number], result, one->detail);
}

static void on_call(struct tracee *one)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, one->pid, sizeof(info), &info) < 0)
		return;
	if (!one->started)
		return;
	if (info.op == 2 /* PTRACE_SYSCALL_INFO_EXIT */)
		leave(one, (long)info.exit.rval);
	if (info.op == 1 /* PTRACE_SYSCALL_INFO_ENTRY */) {
		unsigned long long args[2] = {info.entry.args[0], info.entry.args[1]};

		(void)enter(one, (long)info.entry.nr, args);
	}
}

/* One stop of one tracee; lets it go on unless it is to be delayed. */
static void on_stop(pid_t pid, int status)
{
	struct tracee *one = find(pid);
	int sig = WSTOPSIG(status), event = status >> 16;
	long pass = 0;

	if (!one) {
		ptrace(PTRACE_DETACH, pid, 0, 0);
		return;
	}
	if (sig == (SIGTRAP | 0x80)) {
		on_call(one);
	} else if (event == PTRACE_EVENT_EXEC) {
		if (one->started || one != tracees) {
			if (trace)
				fprintf(trace, "%d exec\n", (int)(one - tracees));
			if (trace)
				fflush(trace);
			ptrace(PTRACE_DETACH, pid, 0, 0);
			return;
		}
		one->started = 1;
		one->number = -1; /* the exit of this exec is not the program's */
	} else if (event == PTRACE_EVENT_STOP) {
		if (one != tracees)
			one->started = 1;
		if (one->stopped &&
		    (sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU)) {
			ptrace(PTRACE_LISTEN, pid, 0, 0);
			return;
		}
		one->stopped = 1;
	} else if (!event) {
		pass = sig;
	}
	if (pid != delayed)
		ptrace(PTRACE_SYSCALL, pid, 0, pass);
}

static void parse(const char *text)
{
	struct rule *rule = &rules[rule_count];
	char action[8];

	if (rule_count == 16 || sscanf(text, "%ld:%ld:%ld:%7[a-z]=%ld", &rule->process,
				       &rule->number, &rule->count, action, &rule->value) != 5) {
		fprintf(stderr, "inject: bad rule %s\n", text);
		exit(125);
	}
	rule->action = !strcmp(action, "delay") ? DELAY : !strcmp(action, "ret") ? LIE : FAIL;
	rule_count++;
}

static void program(char **argv, int gate, int as_init)
{
	char byte;

	if (as_init && mount("proc", "/proc", "proc", 0, NULL))
		die("mount /proc");
	if (read(gate, &byte, 1) < 0)
		die("gate");
	close(gate);
	execv(argv[0], argv);
	die(argv[0]);
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_handler = no_op};
	const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			     PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	int opt, as_init = 0, gate[2], status, code = 125;
	pid_t first;

	while ((opt = getopt(argc, argv, "+1o:")) != -1) {
		if (opt == '1')
			as_init = 1;
		else if (opt != 'o' || !(trace = fopen(optarg, "we")))
			die("usage");
	}
	/* Without a rule getopt(3) has eaten the "--" itself. */
	if (strcmp(argv[optind - 1], "--")) {
		for (; optind < argc && strcmp(argv[optind], "--"); optind++)
			parse(argv[optind]);
		optind++;
	}
	if (optind >= argc)
		die("no program");
	if (pipe2(gate, O_CLOEXEC))
		die("pipe");
	first = (pid_t)syscall(SYS_clone, SIGCHLD | (as_init ? CLONE_NEWPID | CLONE_NEWNS : 0), 0,
			       0, 0, 0);
	if (!first)
		close(gate[1]), program(argv + optind, gate[0], as_init);
	find(first);
	sigaction(SIGALRM, &act, NULL);
	if (ptrace(PTRACE_SEIZE, first, 0, options) || ptrace(PTRACE_INTERRUPT, first, 0, 0))
		die("trace");
	close(gate[1]);
	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR && delayed) {
			pid_t late = delayed;

			setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, 0}}, NULL);
			delayed = 0;
			ptrace(PTRACE_SYSCALL, late, 0, 0);
		} else if (pid < 0 && errno == ECHILD) {
			break;
		} else if (pid > 0 && WIFSTOPPED(status)) {
			on_stop(pid, status);
		} else if (pid == first) {
			code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
			break;
		}
	}
	if (trace)
		fclose(trace);
	return code;
}
