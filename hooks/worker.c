/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
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

/*
 * Say how it went, once nothing is held any more that others wait for: whoever reads the output
 * of this program, liblxc, does so until the last process has closed it.
 */
static void say(int to, int status)
{
	const uint8_t byte = (uint8_t)status;
	ssize_t r;

	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	r = write(to, &byte, 1);
	(void)r;
}

int worker_start(int (*fn)(void *), void *arg, uint32_t deadline_ms, struct worker *out)
{
	pid_t parent = getpid();
	int ends[2];
	int r;

	out->end = now_ms() + deadline_ms;
	out->said = -1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		out->pid = -errno;
		return out->pid;
	}
	out->pid = fork();
	if (out->pid) {
		if (out->pid < 0)
			out->pid = -errno;
		close(ends[1]);
		out->said = ends[0];
		return out->pid < 0 ? out->pid : 0;
	}
	close(ends[0]);
	if (set_timer(deadline_ms) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 ||
	    getppid() != parent)
		_exit(1);
	r = fn(arg);
	if (fflush(stdout))
		r = 1;
	say(ends[1], r);
	_exit(r);
}

/* Return: whether there is something to read, or the end of it, by then. */
static bool comes_by(int fd, uint64_t end)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int r;

	if (fd < 0)
		return false;
	do {
		uint64_t now = now_ms();

		r = poll(&p, 1, now < end ? (int)(end - now) : 0);
	} while (r < 0 && errno == EINTR);
	return r > 0;
}

/* It was ended instead. */
static int reap(const struct worker *w)
{
	/* Without a descriptor nobody can tell whether it has ended: then it has not. */
	int pidfd = (int)syscall(SYS_pidfd_open, w->pid, 0);
	bool ended = comes_by(pidfd, w->end + GRACE_MS);
	int status = 0;

	if (!ended) {
		kill(w->pid, SIGKILL);
		ended = comes_by(pidfd, now_ms() + GRACE_MS);
	}
	if (pidfd >= 0)
		close(pidfd);
	/* One that the kernel does not let go of is init's to reap. */
	if (waitpid(w->pid, &status, ended ? 0 : WNOHANG) != w->pid)
		return -ETIMEDOUT;
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	return WTERMSIG(status) == SIGALRM || WTERMSIG(status) == SIGKILL ? -ETIMEDOUT : -ECHILD;
}

int worker_wait(struct worker *w)
{
	uint8_t status;
	int r;

	if (w->pid > 0 && comes_by(w->said, w->end + GRACE_MS) && read(w->said, &status, 1) == 1)
		r = status;
	else
		r = w->pid > 0 ? reap(w) : w->pid;
	if (w->said >= 0)
		close(w->said);
	w->said = -1;
	return r;
}

void worker_gone(const struct worker *w)
{
	int pidfd = w->pid > 0 ? (int)syscall(SYS_pidfd_open, w->pid, 0) : -1;

	(void)comes_by(pidfd, now_ms() + GRACE_MS);
	if (pidfd >= 0)
		close(pidfd);
}
