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
#include "spawn_child.h"
#include "sys.h"
#include "text.h"

#define NAME "stremio-probe"
#define EXIT_NO_EXEC 127
#define GRACE_MS 500
#define AFTERMATH_MS 500
#define CLOSE_MS 20

/* How the talk with the probe ended, where not all groups did. */
enum ending { COMPLETE, CLOSED, LATE, LIES };

static const char install[] =
	"install the stremio-probe that belongs to this shim: make install, and the profile mounts both";

/* What the child that becomes the probe begins with. */
struct beginning {
	const char *path;
	char **env;
	uint32_t groups, deadline_ms;
	int out;
	pid_t parent;
};

/* The one that has been asked last, until it is reaped. */
static struct {
	pid_t pid; /* 0: none */
	int fd;
} asked;

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

/* In the memory of its parent, which sleeps until the exec. */
_Noreturn static int become_probe(void *argument)
{
	const struct beginning *b = argument;
	char deadline[32] = "--deadline-ms=";
	const char *argv[GROUPS_OF_CHECKS + 4] = {b->path, deadline};
	int null = sys_open("/dev/null", O_RDWR);
	size_t argc = 2;
	struct text t;

	text_begin(&t, deadline, sizeof(deadline));
	text_str(&t, "--deadline-ms=");
	text_num(&t, b->deadline_ms);
	if (b->groups & PRIMARY_WANTED)
		argv[argc++] = "--primary";
	for (unsigned int group = 0; group < GROUPS_OF_CHECKS; group++)
		if (b->groups & GROUP_BIT(group))
			argv[argc++] = wire_group_names[group];
	/* So that its groups, which cannot leave it, get the end's signal at the same moment. */
	(void)setpgid(0, 0);
	/* What it says are records and nothing else: stderr is not for it. */
	if (signals_set_mask(0) == 0 && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(b->out, STDOUT_FILENO) >= 0 && dup2(null, STDERR_FILENO) >= 0 &&
	    prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) == 0 && getppid() == b->parent)
		execve(b->path, (char *const *)(uintptr_t)argv, b->env);
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

/* The end of all that hold the pipe, which are gone a few microseconds later. What still comes is not
 * heard. */
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
int probe_end(void)
{
	int64_t end = sys_now_ms() + AFTERMATH_MS;
	int status, its_status = 0;
	pid_t who;

	if (!asked.pid)
		return 0;
	await_close(asked.fd);
	while ((who = waitpid(-1, &status, WNOHANG)) >= 0) {
		if (who == asked.pid)
			its_status = status;
		if (who > 0)
			continue;
		if (sys_now_ms() > end)
			break;
		/* Most are here by themselves by then, and need no search of /proc. */
		(void)poll(NULL, 0, 1);
		leftovers_signal(false, SIGKILL);
	}
	close(asked.fd);
	asked.pid = 0;
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
	const char *hint = install;
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
	struct beginning b = {path, env, needed | beside, deadline_ms, -1, getpid()};
	enum ending ending;
	int pipe[2];

	needed &= ~PRIMARY_WANTED;
	records_begin(r, b.groups & ~PRIMARY_WANTED);
	if (access(path, X_OK) < 0) {
		records_skip(r,
			     errno == ENOENT ? "there is no stremio-probe"
					     : "stremio-probe cannot be executed",
			     install);
		return;
	}
	if (sys_pipe(pipe) < 0) {
		records_settle(r, "no pipe for stremio-probe", NULL);
		return;
	}
	b.out = pipe[1];
	asked.pid = spawn(become_probe, &b, CLONE_VM | CLONE_VFORK);
	asked.fd = pipe[0];
	close(pipe[1]);
	if (asked.pid < 0) {
		close(pipe[0]);
		asked.pid = 0;
		records_settle(r, "no process for stremio-probe", "raise limits.processes");
		return;
	}
	ending = listen_to(pipe[0], needed, deadline_ms, r);
	kill(-asked.pid, SIGKILL);
	kill(asked.pid, SIGKILL); /* where a policy knows no setpgid(2) */
	/* What nobody waits for needs no result. */
	r->asked &= needed | r->ended;
	settle(r, ending, deadline_ms, ending == COMPLETE ? 0 : probe_end());
}
