/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn.h"

#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "sys.h"

#define DUMPABLE "/proc/sys/fs/suid_dumpable"

int spawn_may_share(bool *share, struct finding *f)
{
	char value;
	ssize_t n;
	int fd;

	*share = false;
#ifdef __SANITIZE_ADDRESS__
	/* Its record of what is on which stack knows one process. */
	return 0;
#endif
	fd = sys_open(DUMPABLE, O_RDONLY);
	if (fd < 0)
		return 0;
	n = read(fd, &value, 1);
	close(fd);
	if (n != 1)
		return finding_set(f, EXIT_SETUP, "fork", n ? errno : EIO, "cannot read", DUMPABLE,
				   NULL);
	*share = value == '0' || value == '2';
	return 0;
}

pid_t spawn(int (*run)(void *), void *argument, struct spawn_stack *stack, bool share)
{
	/* Downwards, on every architecture this is built for. */
	/* cppcheck-suppress ctuuninitvar ; the child fills it */
	return clone(run, stack->bytes + sizeof(stack->bytes), (share ? CLONE_VM : 0) | SIGCHLD,
		     argument);
}
