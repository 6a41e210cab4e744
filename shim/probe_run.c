/* SPDX-License-Identifier: Apache-2.0 */
#include "probe_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leftovers.h"
#include "signals.h"
#include "sys.h"
#include "text.h"

#define NAME "stremio-probe"
#define EXIT_NO_EXEC 127
#define GRACE_MS 500
#define AFTERMATH_MS 500
#define CLOSE_MS 20
#define ROUNDS_TO_DIE 50

/* How the talk with the probe ended, where not all groups did. */
enum ending { COMPLETE, CLOSED, LATE, LIES };

void probe_find(char *path)
{
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX - sizeof(NAME));
	char *slash;

	path[n < 0 ? 0 : n] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		memcpy(slash + 1, NAME, sizeof(NAME));
	else
		path[0] = '\0';
}

_Noreturn static void become_probe(const char *path, char **env, uint32_t groups,
				   uint32_t deadline_ms, int out, pid_t parent)
{
	char deadline[32] = "--deadline-ms=";
	const char *argv[GROUPS_OF_CHECKS + 4] = {path, deadline};
	int null = sys_open("/dev/null", O_RDWR);
	size_t argc = 2;
	struct text t;

	text_begin(&t, deadline, sizeof(deadline));
	text_str(&t, "--deadline-ms=");
	text_num(&t, deadline_ms);
	if (groups & PRIMARY_WANTED)
		argv[argc++] = "--primary";
	for (unsigned int group = 0; group < GROUPS_OF_CHECKS; group++)
		if (groups & GROUP_BIT(group))
			argv[argc++] = wire_group_names[group];
	/* What it says are records and nothing else: stderr is not for it. */
	if (signals_set_mask(0) == 0 && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(out, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0 &&
	    prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) == 0 && getppid() == parent)
		execve(path, (char *const *)(uintptr_t)argv, env);
	_exit(EXIT_NO_EXEC);
}

/* Until every @needed group has ended, or the probe gives a reason to end it. */
static enum ending listen_to(int fd, uint32_t needed, uint32_t deadline_ms, struct records *r)
{
	/* The probe ends at its deadline by itself; what it says then is still on its way. */
	int64_t end = sys_now_ms() + deadline_ms + GRACE_MS;
	struct pollfd fds = {.fd = fd, .events = POLLIN};
	char buf[4096];

	while (needed & ~r->ended) {
		int64_t left = end - sys_now_ms();
		ssize_t n;

		if (left <= 0 || poll(&fds, 1, (int)left) == 0)
			return LATE;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return r->partial ? LIES : CLOSED;
		if (records_take(r, buf, (size_t)n) < 0)
			return LIES;
	}
	return r->partial ? LIES : COMPLETE;
}

/* An end closes the pipe and is an end a few microseconds later. What still comes is not heard. */
static void await_close(int fd)
{
	int64_t end = sys_now_ms() + CLOSE_MS;
	struct pollfd fds = {.fd = fd, .events = POLLIN};
	char buf[4096];

	while (poll(&fds, 1, CLOSE_MS) > 0 && read(fd, buf, sizeof(buf)) > 0 && sys_now_ms() < end)
		continue;
}

/*
 * All that it has started becomes this process's own child in the end. One in an
 * uninterruptible sleep, in a driver, is left to the supervisor.
 */
static int end_probe(pid_t pid, int fd)
{
	int64_t end = sys_now_ms() + AFTERMATH_MS;
	int status, its_status = 0;
	pid_t who;

	kill(pid, SIGKILL);
	await_close(fd);
	for (int round = 0; (who = waitpid(-1, &status, WNOHANG)) >= 0; round += who == 0) {
		if (who == pid)
			its_status = status;
		if (who > 0)
			continue;
		if (sys_now_ms() > end)
			break;
		/* Nobody in /proc is looked for who is about to be here by himself. */
		if (round < ROUNDS_TO_DIE) {
			(void)sched_yield();
			continue;
		}
		leftovers_signal(false, SIGKILL);
		(void)poll(NULL, 0, 1);
	}
	return its_status;
}

static void tell_end(struct text *t, int status)
{
	text_str(t, "stremio-probe ended without an answer (");
	text_str(t, WIFSIGNALED(status) ? "signal " : "exit ");
	text_num(t, (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)));
	text_str(t, ")");
}

static void settle(struct records *r, enum ending ending, uint32_t deadline_ms, int status)
{
	const char *hint = "install the stremio-probe that belongs to this stremio-shim";
	char why[80];
	struct text t;

	text_begin(&t, why, sizeof(why));
	switch (ending) {
	case COMPLETE:
		text_str(&t, "stremio-probe says nothing about it");
		break;
	case LATE:
		text_str(&t, "no answer within ");
		text_num(&t, (deadline_ms + 999) / 1000);
		text_str(&t, " s");
		hint = "a server or driver hangs: restart it on the host";
		break;
	case LIES:
		/* Then nothing of it can be believed. */
		records_begin(r, r->asked);
		text_str(&t, "stremio-probe does not keep to its format");
		break;
	case CLOSED:
		tell_end(&t, status);
		break;
	}
	records_settle(r, why, hint);
}

void probe_run(const char *path, char **env, uint32_t needed, uint32_t beside, uint32_t deadline_ms,
	       struct records *r)
{
	static const char hint[] = "install it beside stremio-shim: make install, and the profile "
				   "mounts both";
	uint32_t asked = needed | beside;
	pid_t self = getpid();
	enum ending ending;
	int pipe[2];
	pid_t pid;
	int status;

	needed &= ~PRIMARY_WANTED;
	records_begin(r, asked & ~PRIMARY_WANTED);
	if (access(path, X_OK) < 0) {
		records_skip(r,
			     errno == ENOENT ? "there is no stremio-probe"
					     : "stremio-probe cannot be executed",
			     hint);
		return;
	}
	if (sys_pipe(pipe) < 0) {
		records_settle(r, "no pipe for stremio-probe", NULL);
		return;
	}
	pid = sys_fork();
	if (pid == 0)
		become_probe(path, env, asked, deadline_ms, pipe[1], self);
	close(pipe[1]);
	if (pid < 0) {
		records_settle(r, "no process for stremio-probe", "raise limits.processes");
	} else {
		ending = listen_to(pipe[0], needed, deadline_ms, r);
		status = end_probe(pid, pipe[0]);
		/* What nobody waits for needs no result. */
		r->asked &= needed | r->ended;
		settle(r, ending, deadline_ms, status);
	}
	close(pipe[0]);
}
