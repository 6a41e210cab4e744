/*
 * Makes system calls that the policy denies, for the tests of --audit.
 *
 *	denied call NUMBER...            each once, with arguments 0; prints "NUMBER RESULT ERRNO"
 *	denied named NAME NUMBER...      the same under another process name, in a thread
 *	denied flood PROCESSES COUNT N   COUNT calls in each process; prints what was not ENOSYS or
 *					 EPERM, and the time of one call in ns
 *	denied alarm COUNT NUMBER        calls while a timer fires; prints how many gave what
 *	denied programs COUNT MS NUMBER  COUNT processes of different names, one each MS, each calls
 *	denied listener COMMAND...       executes under a filter with a listener
 *	denied refuse COMMAND...         executes under a filter that refuses listeners with EINVAL
 *	denied until NUMBER              says "ready", then calls once for each byte of stdin
 *	denied children COUNT NUMBER     COUNT times vfork, fork and thread, each calls
 *	denied victims COUNT NUMBER      kills COUNT processes in the middle of their calls
 *	denied disturb PID               tries to signal and to trace PID; prints each errno
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int denied(const char *number)
{
	errno = 0;
	return syscall(strtol(number, NULL, 0), 0L, 0L, 0L, 0L, 0L, 0L) < 0 ? errno : 0;
}

static void call_each(char **numbers)
{
	for (; *numbers; numbers++) {
		printf("%s %d\n", *numbers, denied(*numbers));
		fflush(stdout);
	}
}

static void *in_thread(void *numbers)
{
	prctl(PR_SET_NAME, "a thread's name", 0, 0, 0);
	call_each(numbers);
	return NULL;
}

static void named(char *name, char **numbers)
{
	pthread_t thread;

	prctl(PR_SET_NAME, name, 0, 0, 0);
	if (pthread_create(&thread, NULL, in_thread, numbers))
		_exit(98);
	pthread_join(thread, NULL);
}

static long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void wait_for_all(void)
{
	int status, bad = 0;

	while (wait(&status) > 0)
		bad |= status;
	printf("all %s\n", bad ? "wrong" : "answered");
}

static void flood(long processes, long count, char **numbers)
{
	long start = now_ns();

	for (long p = 0; p < processes; p++) {
		if (fork())
			continue;
		for (long i = 0; i < count; i++) {
			char **n = numbers;

			for (; *n; n++) {
				int e = denied(*n);

				if (e != ENOSYS && e != EPERM)
					_exit(1);
			}
		}
		_exit(0);
	}
	wait_for_all();
	printf("ns %ld\n", (now_ns() - start) / (processes * count));
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

static void alarmed(long count, const char *number)
{
	struct itimerval often = {{0, 200}, {0, 200}};
	struct sigaction act = {.sa_handler = on_alarm};
	long seen[200] = {0};

	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (long i = 0; i < count; i++)
		seen[denied(number) % 200]++;
	for (int e = 0; e < 200; e++)
		if (seen[e])
			printf("errno %d %ld\n", e, seen[e]);
	printf("alarms %d\n", (int)alarms);
}

static void programs(long count, long ms, const char *number)
{
	for (long i = 0; i < count; i++) {
		char name[16];

		snprintf(name, sizeof(name), "program %d", (int)(i % 1000));
		if (!fork()) {
			prctl(PR_SET_NAME, name, 0, 0, 0);
			denied(number);
			_exit(0);
		}
		wait(NULL);
		usleep((useconds_t)ms * 1000);
	}
	puts("all called");
}

static void under(struct sock_filter *code, unsigned short count, unsigned long flags,
		  char **command)
{
	struct sock_fprog prog = {count, code};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog) < 0)
		_exit(98);
	/* The listener lives as long as somebody has it: here this one, until TERM. */
	if (flags && !fork())
		for (;;)
			pause();
	execv(command[0], command);
	_exit(97);
}

static void listener(char **command)
{
	struct sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};

	under(code, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER, command);
}

static void refuse(char **command)
{
	struct sock_filter code[] = {
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr)},
		{BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_seccomp},
		{BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, args[1])},
		{BPF_JMP | BPF_JSET | BPF_K, 0, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER},
		{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EINVAL},
		{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
	};

	under(code, sizeof(code) / sizeof(*code), 0, command);
}

static void until(const char *number)
{
	char byte;

	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) == 1) {
		printf("errno %d\n", denied(number));
		fflush(stdout);
	}
}

static void *one_call(void *number)
{
	int e = denied(number);

	return e == ENOSYS || e == EPERM ? NULL : number;
}

/* Noinline: what is in a caller's registers is out of vfork(2)'s way. */
__attribute__((noinline)) static pid_t vforked(char *number)
{
	pid_t pid = vfork();

	if (!pid)
		_exit(one_call(number) != NULL);
	return pid;
}

static int succeeded(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int in_child(char *number)
{
	pid_t pid = fork();

	if (!pid)
		_exit(one_call(number) != NULL);
	return succeeded(pid);
}

static void many_children(long count, char *number)
{
	long wrong = 0;

	for (long i = 0; i < count; i++) {
		pthread_t thread;
		void *r = number;

		wrong += !succeeded(vforked(number));
		wrong += !in_child(number);
		if (!pthread_create(&thread, NULL, one_call, number))
			pthread_join(thread, &r);
		wrong += r != NULL;
	}
	printf("wrong %ld\n", wrong);
}

/* Calls without end, to be killed in the middle of one. */
static void victims(long count, const char *number)
{
	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (!pid)
			for (;;)
				denied(number);
		usleep(500 + (useconds_t)(i % 7) * 130);
		kill(pid, SIGKILL);
	}
	while (wait(NULL) > 0)
		continue;
	printf("after %d\n", denied(number));
}

static void show(const char *what, long r)
{
	printf("%s %d\n", what, r < 0 ? errno : 0);
}

static void disturb(pid_t pid)
{
	static const char *const names[] = {"mem", "maps", "environ"};
	char path[64], byte;
	struct iovec v = {&byte, 1};

	show("kill", kill(pid, SIGKILL));
	show("stop", kill(pid, SIGSTOP));
	show("trace", ptrace(PTRACE_ATTACH, pid, 0, 0));
	show("vm", process_vm_readv(pid, &v, 1, &v, 1, 0));
	for (int i = 0; i < 3; i++) {
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, names[i]);
		fd = open(path, O_RDONLY);
		show(names[i], fd < 0 ? fd : read(fd, &byte, 1));
	}
	snprintf(path, sizeof(path), "/proc/%d/fd/2", (int)pid);
	show("fd", open(path, O_WRONLY));
}

int main(int argc, char **argv)
{
	const char *act = argc > 2 ? argv[1] : "";

	setvbuf(stdout, NULL, _IOLBF, 512);
	if (!strcmp(act, "call"))
		call_each(argv + 2);
	else if (!strcmp(act, "named"))
		named(argv[2], argv + 3);
	else if (!strcmp(act, "flood") && argc > 4)
		flood(atol(argv[2]), atol(argv[3]), argv + 4);
	else if (!strcmp(act, "alarm") && argc > 3)
		alarmed(atol(argv[2]), argv[3]);
	else if (!strcmp(act, "listener"))
		listener(argv + 2);
	else if (!strcmp(act, "refuse"))
		refuse(argv + 2);
	else if (!strcmp(act, "programs") && argc > 4)
		programs(atol(argv[2]), atol(argv[3]), argv[4]);
	else if (!strcmp(act, "until"))
		until(argv[2]);
	else if (!strcmp(act, "children") && argc > 3)
		many_children(atol(argv[2]), argv[3]);
	else if (!strcmp(act, "victims") && argc > 3)
		victims(atol(argv[2]), argv[3]);
	else if (!strcmp(act, "disturb"))
		disturb((pid_t)atol(argv[2]));
	else
		return 64;
	return 0;
}
