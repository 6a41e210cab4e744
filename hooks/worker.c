/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* From its timer to its end, and from a SIGKILL to it. */
#define GRACE_MS 200

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A deadline that survives this process's parent and its own change of ids. */
static int set_timer(uint32_t ms)
{
	const struct itimerval timer = {
		.it_value = {.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000},
	};
	sigset_t none;

	sigemptyset(&none);
	if (signal(SIGALRM, SIG_DFL) == SIG_ERR || sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return -errno;
	return setitimer(ITIMER_REAL, &timer, NULL) < 0 ? -errno : 0;
}

int worker_start(int (*fn)(void *), void *arg, uint32_t deadline_ms, struct worker *out)
{
	pid_t parent = getpid();
	int r;

	out->end = now_ms() + deadline_ms;
	out->pidfd = -1;
	out->pid = fork();
	if (out->pid < 0) {
		out->pid = -errno;
		return out->pid;
	}
	if (out->pid) {
		out->pidfd = (int)syscall(SYS_pidfd_open, out->pid, 0);
		return 0;
	}
	if (set_timer(deadline_ms) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getppid() != parent)
		_exit(1);
	r = fn(arg);
	_exit(fflush(stdout) ? 1 : r);
}

/* Return: whether it has ended by then. Without a descriptor nobody can tell: no. */
static int ends_by(const struct worker *w, uint64_t end)
{
	struct pollfd p = {.fd = w->pidfd, .events = POLLIN};
	int r;

	if (p.fd < 0)
		return 0;
	do {
		uint64_t now = now_ms();

		r = poll(&p, 1, now < end ? (int)(end - now) : 0);
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

int worker_wait(struct worker *w)
{
	int status = 0;
	bool ended;

	if (w->pid < 0)
		return w->pid;
	ended = ends_by(w, w->end + GRACE_MS);
	if (!ended) {
		kill(w->pid, SIGKILL);
		ended = ends_by(w, now_ms() + GRACE_MS);
	}
	if (w->pidfd >= 0)
		close(w->pidfd);
	/* One that the kernel does not let go of is init's to reap. */
	if (waitpid(w->pid, &status, ended ? 0 : WNOHANG) != w->pid)
		return -ETIMEDOUT;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGKILL ? -ETIMEDOUT : -ECHILD;
}
