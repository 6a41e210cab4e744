/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: hidden, moved, shared, executable; System V and POSIX queues. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static void *pages(struct run *r, int count)
{
	void *p = mmap(NULL, 4096UL * (unsigned int)count, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (p == MAP_FAILED)
		broken(r, "mmap: %s", errno_name(errno));
	return p;
}

static void secret(struct run *r)
{
	if (call(r, SYS_memfd_secret, 0) < 0)
		refused(r);
	reached(r, "memory that the kernel itself does not see");
}

static void bind_memory(struct run *r)
{
	unsigned long nodes = 1;

	if (call(r, SYS_mbind, pages(r, 1), 4096, 2 /* MPOL_BIND */, &nodes, 8, 0) < 0)
		refused(r);
	reached(r, "memory bound to a node");
}

static void move_memory(struct run *r)
{
	void *page = pages(r, 1);
	int node = 0, status = 0;

	if (call(r, SYS_move_pages, 0, 1, &page, &node, &status, 0) < 0)
		refused(r);
	reached(r, "a page moved, status %d", status);
}

static void migrate(struct run *r)
{
	unsigned long nodes = 1;

	if (call(r, SYS_migrate_pages, 0, 8, &nodes, &nodes) < 0)
		refused(r);
	reached(r, "all its pages moved");
}

static void remap(struct run *r)
{
	char path[] = "/dev/shm/escape-XXXXXX";
	void *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	(void)path;
	if (call(r, SYS_remap_file_pages, p, 4096, 0, 1, 0) < 0)
		refused(r);
	reached(r, "a non-linear mapping");
}

static void posix_queue(struct run *r)
{
	long fd = call(r, SYS_mq_open, "escape", O_RDWR | O_CREAT, 0600, NULL);

	if (fd < 0)
		refused(r);
	(void)syscall(SYS_mq_unlink, "escape");
	reached(r, "a POSIX message queue");
}

static void sysv_queue(struct run *r)
{
	long id = call(r, SYS_msgget, 0 /* IPC_PRIVATE */, 0600 | 01000);

	if (id < 0)
		refused(r);
	(void)syscall(SYS_msgctl, id, 0 /* IPC_RMID */, NULL);
	reached(r, "a System V message queue");
}

static void release(struct run *r)
{
	int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);

	if (call(r, SYS_process_mrelease, fd, 0) == 0 || r->err == EINVAL || r->err == ESRCH)
		reached(r, "process_mrelease looks at its arguments: %s", errno_name(r->err));
	refused(r);
}

static void write_and_execute(struct run *r)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	if (p == MAP_FAILED)
		blocked(r, "%s", errno_name(errno));
	reached(r, "a page that is writable and executable");
}

/* The layout of a process can be made to lie, and point anywhere. */
static void layout(struct run *r)
{
	if (call(r, SYS_prctl, PR_SET_MM, r->attempt->number, pages(r, 1), 0, 0) < 0)
		refused(r);
	reached(r, "the kernel's idea of its memory is changed");
}

static void layout_map(struct run *r)
{
	unsigned int size = 0;

	if (call(r, SYS_prctl, PR_SET_MM, PR_SET_MM_MAP_SIZE, &size, 0, 0) < 0)
		refused(r);
	reached(r, "PR_SET_MM answers (a map has %u bytes)", size);
}

static void lock_much(struct run *r)
{
	struct rlimit l;
	size_t size;
	void *p;

	if (getrlimit(RLIMIT_MEMLOCK, &l) < 0 || l.rlim_cur > 1UL << 30)
		skip(r, "the limit of locked memory is above 1 GiB");
	size = l.rlim_cur + (16UL << 20);
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		broken(r, "mmap: %s", errno_name(errno));
	if (call(r, SYS_mlock, p, size) < 0)
		blocked(r, "%s (RLIMIT_MEMLOCK)", errno_name(r->err));
	reached(r, "locked %zu bytes, more than the limit", size);
}

const struct attempt attempts_memory[] = {
	{"memory.secret", "memfd_secret", secret, 0, NULL, BLOCK, 0},
	{"memory.bind", "mbind", bind_memory, 0, NULL, BLOCK, 0},
	{"memory.move", "move_pages of its own", move_memory, 0, NULL, BLOCK, 0},
	{"memory.migrate", "migrate_pages of its own", migrate, 0, NULL, BLOCK, 0},
	{"memory.remap", "remap_file_pages", remap, 0, NULL, BLOCK, 0},
	{"memory.posix-queue", "mq_open", posix_queue, 0, NULL, BLOCK, 0},
	{"memory.sysv-queue", "msgget", sysv_queue, 0, NULL, BLOCK, 0},
	{"memory.release", "process_mrelease", release, 0, NULL, LATENT, 0},
	{"memory.layout", "PR_SET_MM", layout, PR_SET_MM_START_BRK, NULL, BLOCK, 0},
	{"memory.layout-map", "PR_SET_MM_MAP_SIZE", layout_map, 0, NULL, LATENT, 0},
	{"memory.lock", "lock more memory than the limit", lock_much, 0, NULL, BLOCK, 0},
	{"memory.write-execute", "memory that is writable and executable", write_and_execute, 0,
	 NULL, OPEN, 0},
	{0},
};
