/* SPDX-License-Identifier: Apache-2.0 */
#include "spawn_child.h"

#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

#include "own_pages.h"
#include "sys.h"

/*
 * The child's stack: three times what its deepest path takes, and none recurses. Not a part of this
 * process's own stack, whose pages the supervisor's side of the launch finds touched already, and
 * no mapping, which would need a page table of its own.
 */
static char spawn_stack[128 * 1024];

#define PAGE ((uintptr_t)4096) /* the least of any kernel */
#define PAGES_OF_A_LAUNCH 3
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

static uintptr_t top(uintptr_t page)
{
	return ((uintptr_t)spawn_stack + sizeof(spawn_stack)) & ~(page - 1);
}

pid_t spawn(int (*run)(void *), void *argument, int share)
{
#ifdef __SANITIZE_ADDRESS__
	/* And knows one stack. */
	pid_t pid = sys_fork();

	(void)share;
	if (pid == 0)
		_exit(run(argument));
	return pid;
#endif
	/* A copy would have to copy them. */
	if (share)
		own_pages_below((void *)top(PAGE), PAGES_OF_A_LAUNCH);
	/* Downwards, on every architecture this is built for. */
	return clone(run, (void *)top(PAGE), share | SIGCHLD, argument);
}

void spawn_give_back(void)
{
	/* The whole pages in it, as large as this kernel has them: others have more than this. */
	const uintptr_t page = getauxval(AT_PAGESZ);
	const uintptr_t bottom = ((uintptr_t)spawn_stack + page - 1) & ~(page - 1);

	if (top(page) > bottom)
		(void)madvise((void *)bottom, top(page) - bottom, MADV_DONTNEED);
}
