/* SPDX-License-Identifier: Apache-2.0 */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t worker_start(int (*fn)(void *), void *arg)
{
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid)
		return pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	_exit(fn(arg));
}

/* Return: whether it has ended by then. */
static int ends_within(pid_t pid, int ms)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	int r;

	if (p.fd < 0)
		return 0;
	do
		r = poll(&p, 1, ms);
	while (r < 0 && errno == EINTR);
	close(p.fd);
	return r > 0;
}

int worker_wait(pid_t pid, uint32_t deadline_ms)
{
	int status = 0;

	if (!ends_within(pid, (int)deadline_ms)) {
		kill(pid, SIGKILL);
		/* One that the kernel does not let go of is init's to reap. */
		if (ends_within(pid, 200))
			(void)waitpid(pid, &status, 0);
		return -ETIMEDOUT;
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -ECHILD;
}
