/*
 * The application of the container tests: does what its arguments say, in order, "," between them.
 *
 *	app fork setsid trap left 300 0 , print started , trap main 300 7
 *
 * Static and without heap, so that it starts under any policy and in an empty root.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static int ready_fd = -1; /* a forked branch tells its parent through this that it is set up */

static void say(const char *word, const char *name)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "%s%s%s\n", word, *name ? " " : "", name);

	/* One write, so that lines of several processes do not mix (pipe(7), PIPE_BUF). */
	if (write(1, line, (size_t)len) < 0)
		_exit(99);
}

static void say_number(const char *word, long number)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", number);
	say(word, text);
}

static void ready(const char *name)
{
	say("ready", name);
	if (ready_fd >= 0)
		close(ready_fd);
	ready_fd = -1;
}

static void work(long ms)
{
	struct timespec left = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

static void on_term(int sig)
{
	(void)sig;
}

/* Waits for TERM, works for ms milliseconds, says so and exits with code. */
static void trap(const char *name, long ms, int code)
{
	struct sigaction act = {.sa_handler = on_term};
	sigset_t term, before;

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	sigdelset(&before, SIGTERM);
	sigaction(SIGTERM, &act, NULL);
	ready(name);
	sigsuspend(&before);
	say("term", name);
	work(ms);
	say("done", name);
	_exit(code);
}

static void ignore_for_ever(const char *name)
{
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	ready(name);
	for (;;)
		pause();
}

/*
 * Takes every signal there is with its information. Raw calls: musl keeps 32..34 from its users,
 * and those are to be counted too. CONT and the stop signals are recorded like the others.
 */
static void record(void)
{
	uint64_t all = ~0ULL;
	siginfo_t info;

	syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, NULL, sizeof(all));
	ready("record");
	for (;;) {
		long sig = syscall(SYS_rt_sigtimedwait, &all, &info, NULL, sizeof(all));
		char line[96];
		int len;

		if (sig < 0)
			continue;
		len = snprintf(line, sizeof(line), "got %ld %d %d %d %d\n", sig, info.si_code,
			       info.si_value.sival_int, (int)info.si_pid, (int)info.si_uid);
		if (write(1, line, (size_t)len) != len)
			_exit(99);
	}
}

/* Prints "int" for each INT, "hup" for each HUP, and so on, until TERM. */
static volatile sig_atomic_t seen[65];

static void on_any(int sig)
{
	seen[sig]++;
}

static void count_until_term(void)
{
	struct sigaction act = {.sa_handler = on_any};
	sigset_t all, none;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &none);
	sigemptyset(&none);
	for (int sig = 1; sig <= 31; sig++)
		if (sig != SIGTSTP && sig != SIGTTIN && sig != SIGTTOU)
			sigaction(sig, &act, NULL);
	ready("count");
	while (!seen[SIGTERM]) {
		sigsuspend(&none);
		for (int sig = 1; sig <= 31; sig++)
			for (; seen[sig]; seen[sig]--) {
				say_number("signal", sig);
				if (sig == SIGTERM)
					_exit(0);
			}
	}
}

/* Leaves `count` orphans behind, batch by batch, each exiting at once or when `hold` closes. */
static void orphans(long count)
{
	for (long i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0) {
			work(1);
			i--;
			continue;
		}
		if (!pid) {
			pid_t inner = fork();

			_exit(inner < 0);
		}
		int status;

		if (waitpid(pid, &status, 0) != pid || status)
			i--;
	}
	say_number("orphans", count);
}

static void terminal(const char *name)
{
	char line[128];
	int fd = open("/dev/tty", O_RDWR);

	snprintf(line, sizeof(line), "%s ctty=%d foreground=%d leader=%d", name, fd >= 0,
		 fd >= 0 && tcgetpgrp(fd) == getpgrp(), getpgrp() == getpid());
	say("terminal", line);
	if (fd >= 0)
		close(fd);
}

static void echo_line(void)
{
	char line[200];
	ssize_t len = read(0, line, sizeof(line) - 1);

	if (len <= 0) {
		say_number("read failed", len ? errno : 0);
		return;
	}
	line[len] = 0;
	line[strcspn(line, "\r\n")] = 0;
	say("read", line);
}

static void raise_signal(int sig)
{
	struct rlimit none = {0, 0};
	uint64_t empty = 0;

	setrlimit(RLIMIT_CORE, &none);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &empty, NULL, sizeof(empty));
	kill(getpid(), sig);
	work(100);
}

static void peek(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY);

	if (fd < 0 || read(fd, &byte, 1) < 0)
		say_number("peek failed", errno);
	else
		say("peek", "read");
	if (fd >= 0)
		close(fd);
}

static void run(int argc, char **argv);

/* Runs the rest as an orphan: forked twice, adopted by init or the subreaper. */
static void branch(int argc, char **argv)
{
	int sync[2];
	char byte;
	pid_t pid;

	if (pipe(sync))
		_exit(98);
	pid = fork();
	if (!pid) {
		close(sync[0]);
		ready_fd = sync[1];
		if (fork())
			_exit(0);
		run(argc, argv);
		_exit(0);
	}
	close(sync[1]);
	if (pid < 0 || waitpid(pid, NULL, 0) != pid || read(sync[0], &byte, 1) < 0)
		_exit(98);
	close(sync[0]);
}

static void run(int argc, char **argv)
{
	const char *verb = argv[0];
	const char *arg = argc > 1 ? argv[1] : "";
	long number = atol(arg);

	if (!strcmp(verb, "fork"))
		branch(argc - 1, argv + 1);
	else if (!strcmp(verb, "setsid"))
		setsid(), run(argc - 1, argv + 1);
	else if (!strcmp(verb, "trap"))
		trap(arg, argc > 2 ? atol(argv[2]) : 0, argc > 3 ? atoi(argv[3]) : 0);
	else if (!strcmp(verb, "ignore"))
		ignore_for_ever(arg);
	else if (!strcmp(verb, "record"))
		record();
	else if (!strcmp(verb, "count"))
		count_until_term();
	else if (!strcmp(verb, "orphans"))
		orphans(number);
	else if (!strcmp(verb, "terminal"))
		terminal(arg);
	else if (!strcmp(verb, "read"))
		echo_line();
	else if (!strcmp(verb, "peek"))
		peek(arg);
	else if (!strcmp(verb, "print"))
		say(arg, "");
	else if (!strcmp(verb, "ready"))
		ready(arg);
	else if (!strcmp(verb, "pid"))
		say_number("pid", getpid());
	else if (!strcmp(verb, "sleep"))
		work(number);
	else if (!strcmp(verb, "pause"))
		for (;;)
			pause();
	else if (!strcmp(verb, "raise"))
		raise_signal((int)number);
	else if (!strcmp(verb, "exit"))
		_exit((int)number);
	else
		say("unknown verb", verb), _exit(97);
}

int main(int argc, char **argv)
{
	for (int first = 1; first < argc;) {
		int last = first;

		while (last < argc && strcmp(argv[last], ","))
			last++;
		argv[last] = NULL;
		if (last > first)
			run(last - first, argv + first);
		first = last + 1;
	}
	return 0;
}
