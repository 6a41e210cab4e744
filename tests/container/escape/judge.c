/* SPDX-License-Identifier: Apache-2.0 */
/* Runs an attempt in its own process, with a deadline, and takes down how it ended. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"

/* ------------------------------------------------------------ in the attempt's process */

_Noreturn PRINTF(3) static void verdict_end(struct run *r, enum outcome o, const char *fmt, ...)
{
	struct verdict v = {.outcome = o};
	va_list ap;
	ssize_t n;

	va_start(ap, fmt);
	(void)vsnprintf(v.text, sizeof(v.text), fmt, ap);
	va_end(ap);
	n = write(r->report, &v, sizeof(v));
	_exit(n == (ssize_t)sizeof(v) ? 0 : 1);
}

#define VERDICT(name, outcome)                                  \
	void name(struct run *r, const char *fmt, ...)          \
	{                                                       \
		char text[sizeof(((struct verdict *)0)->text)]; \
		va_list ap;                                     \
                                                                \
		va_start(ap, fmt);                              \
		(void)vsnprintf(text, sizeof(text), fmt, ap);   \
		va_end(ap);                                     \
		verdict_end(r, outcome, "%s", text);            \
	}
VERDICT(reached, REACHED)
VERDICT(blocked, BLOCKED)
VERDICT(skip, SKIPPED)
VERDICT(broken, BROKEN)

long call_(struct run *r, long number, const long args[6])
{
	long result;

	r->number = number;
	memcpy(r->args, args, sizeof(r->args));
	result = syscall(number, args[0], args[1], args[2], args[3], args[4], args[5]);
	r->err = result < 0 ? errno : 0;
	return result;
}

/* The usual reason of an errno that the kernel itself gave. */
static const char *kernel_reason(const struct run *r, int err)
{
	switch (err) {
	case EPERM:
		return r->config->effective ? "refused by the kernel" : "missing capability";
	case EACCES:
		return "permission of the object";
	case ENOENT:
	case ENXIO:
	case ENODEV:
		return "not there";
	case EROFS:
		return "mounted read-only";
	case ENOSYS:
	case EAFNOSUPPORT:
	case EPROTONOSUPPORT:
	case ESOCKTNOSUPPORT:
	case EOPNOTSUPP:
		return "not in this kernel";
	default:
		return "refused by the kernel";
	}
}

static bool seccomp_answers(const struct run *r)
{
	return r->config->seccomp_mode && r->number >= 0 &&
	       oracle_ask(r->number, r->args) == r->err;
}

void refused(struct run *r)
{
	if (seccomp_answers(r))
		blocked(r, "seccomp %s", errno_name(r->err));
	blocked(r, "%s (%s)", errno_name(r->err), kernel_reason(r, r->err));
}

void refused_path(struct run *r, const char *path, int mode)
{
	int err = r->err;

	if (seccomp_answers(r))
		blocked(r, "seccomp %s", errno_name(err));
	/* Landlock knows nothing of access(2), so it goes on to say what modes alone allow. */
	if (err == EACCES && faccessat(AT_FDCWD, path, mode, AT_EACCESS) == 0)
		blocked(r, "Landlock EACCES");
	if (err == EACCES)
		blocked(r, "file mode EACCES");
	blocked(r, "%s (%s)", errno_name(err), kernel_reason(r, err));
}

_Noreturn static void attempt_process(struct run *r)
{
	/* A descriptor that no attempt closes or meets by chance. */
	int high = fcntl(r->report, F_DUPFD_CLOEXEC, 200);

	if (high >= 0)
		r->report = high;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (!(r->attempt->flags & KEEP_SESSION))
		(void)setsid();
	if (r->attempt->flags & HARMFUL && !r->config->in_user_namespace)
		skip(r, "it would act on this machine: not in a user namespace");
	r->attempt->function(r);
	broken(r, "the attempt ended without a verdict");
}

/* ------------------------------------------------------------------ in the suite's */

static long now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Return: true when a whole verdict came before the deadline. */
static bool await(int fd, struct verdict *v, int deadline_ms)
{
	long end = now_ms() + deadline_ms;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	long left;

	while ((left = end - now_ms()) > 0) {
		int n = poll(&p, 1, (int)left);

		if (n > 0)
			return read(fd, v, sizeof(*v)) == (ssize_t)sizeof(*v);
		if (n == 0 || errno != EINTR)
			return false;
	}
	return false;
}

static struct verdict ended_silently(const struct attempt *a, int status)
{
	struct verdict v = {.outcome = BROKEN};
	int signum = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (signum == SIGSYS || (signum && a->flags & SIGNAL_IS_BLOCK)) {
		v.outcome = BLOCKED;
		(void)snprintf(v.text, sizeof(v.text), "%s%s", signum == SIGSYS ? "seccomp " : "",
			       signal_name(signum));
	} else if (signum) {
		(void)snprintf(v.text, sizeof(v.text), "ended by %s", signal_name(signum));
	} else {
		(void)snprintf(v.text, sizeof(v.text), "exited with %d and no verdict",
			       WEXITSTATUS(status));
	}
	return v;
}

struct verdict judge(const struct attempt *a, const struct config *c, int deadline_ms)
{
	struct verdict v = {.outcome = BROKEN, .text = "cannot start a process"};
	int fds[2], status = 0;
	bool told;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return v;
	pid = fork();
	if (pid == 0) {
		struct run r = {.attempt = a, .config = c, .report = fds[1], .number = -1};

		close(fds[0]);
		attempt_process(&r);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return v;
	}
	told = await(fds[0], &v, deadline_ms);
	close(fds[0]);
	if (!told) {
		/* Either it is gone, which is seen at once, or it hangs. */
		for (int i = 0; i < 20 && waitpid(pid, &status, WNOHANG) == 0; i++) {
			if (i == 19) {
				v.outcome = BROKEN;
				(void)snprintf(v.text, sizeof(v.text), "no verdict within %d ms",
					       deadline_ms);
				kill(pid, SIGKILL);
				kill(-pid, SIGKILL);
				(void)waitpid(pid, &status, 0);
				return v;
			}
			usleep(5000);
		}
		v = ended_silently(a, status);
	} else {
		(void)waitpid(pid, &status, 0);
	}
	/* What it left behind is in its session's process group. */
	kill(-pid, SIGKILL);
	return v;
}
