/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_uring: work handed to the kernel through shared memory, which no system call filter sees.
 * With a ring, one operation of each family is tried, and its effect observed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"

struct ring {
	int fd;
	unsigned int *sq_tail, *sq_array, *cq_head, *cq_tail;
	unsigned int sq_mask, cq_mask;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
};

static void ring_open(struct run *r, struct ring *ring)
{
	struct io_uring_params p;
	char *sq, *cq;

	memset(&p, 0, sizeof(p));
	ring->fd = (int)call(r, SYS_io_uring_setup, 4, &p);
	if (ring->fd < 0)
		refused(r);
	sq = mmap(NULL, p.sq_off.array + p.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED,
		  ring->fd, IORING_OFF_SQ_RING);
	cq = mmap(NULL, p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe),
		  PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, IORING_OFF_CQ_RING);
	ring->sqes = mmap(NULL, p.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
			  MAP_SHARED, ring->fd, IORING_OFF_SQES);
	if (sq == MAP_FAILED || cq == MAP_FAILED || ring->sqes == MAP_FAILED)
		broken(r, "a ring was given, its memory not: %s", errno_name(errno));
	ring->sq_tail = (unsigned int *)(void *)(sq + p.sq_off.tail);
	ring->sq_array = (unsigned int *)(void *)(sq + p.sq_off.array);
	ring->sq_mask = *(unsigned int *)(void *)(sq + p.sq_off.ring_mask);
	ring->cq_head = (unsigned int *)(void *)(cq + p.cq_off.head);
	ring->cq_tail = (unsigned int *)(void *)(cq + p.cq_off.tail);
	ring->cq_mask = *(unsigned int *)(void *)(cq + p.cq_off.ring_mask);
	ring->cqes = (struct io_uring_cqe *)(void *)(cq + p.cq_off.cqes);
}

/* Return: the operation's result, as the kernel's own -errno. */
static int ring_do(struct run *r, struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int tail = *ring->sq_tail;
	unsigned int head = *ring->cq_head;

	ring->sqes[tail & ring->sq_mask] = *sqe;
	ring->sq_array[tail & ring->sq_mask] = tail & ring->sq_mask;
	__atomic_store_n(ring->sq_tail, tail + 1, __ATOMIC_RELEASE);
	if (call(r, SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		refused(r);
	if (__atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) == head)
		broken(r, "no completion came");
	*ring->cq_head = head + 1;
	return ring->cqes[head & ring->cq_mask].res;
}

static void setup(struct run *r)
{
	struct io_uring_params p;

	memset(&p, 0, sizeof(p));
	p.flags = (unsigned int)r->attempt->number;
	if (call(r, SYS_io_uring_setup, 1, &p) < 0)
		refused(r);
	reached(r, "a ring");
}

/* The other two calls on a descriptor that is no ring: EBADF and EOPNOTSUPP are answers. */
static void bare(struct run *r)
{
	if (call(r, r->attempt->number, 0, 0, 0, 0, 0, 0) >= 0 || r->err == EBADF ||
	    r->err == EOPNOTSUPP || r->err == EINVAL)
		reached(r, "%s looks at its arguments: %s", r->attempt->text, errno_name(r->err));
	refused(r);
}

static void finish(struct run *r, int result, const char *effect)
{
	if (result >= 0)
		reached(r, "%s through the ring (result %d)", effect, result);
	blocked(r, "the operation: %s", errno_name(-result));
}

static void nop(struct run *r)
{
	struct ring ring;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_NOP};

	ring_open(r, &ring);
	finish(r, ring_do(r, &ring, &sqe), "an empty operation");
}

static void open_file(struct run *r)
{
	struct ring ring;
	struct io_uring_sqe sqe = {
		.opcode = IORING_OP_OPENAT,
		.fd = AT_FDCWD,
		.addr = (uintptr_t) "/proc/self/status",
		.open_flags = O_RDONLY,
	};

	ring_open(r, &ring);
	finish(r, ring_do(r, &ring, &sqe), "a file was opened");
}

static void read_file(struct run *r)
{
	static char buf[16];
	struct ring ring;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_READ, .len = sizeof(buf)};

	ring_open(r, &ring);
	sqe.fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	sqe.addr = (uintptr_t)buf;
	finish(r, ring_do(r, &ring, &sqe), "a file was read");
}

static void make_directory(struct run *r)
{
	char path[64];
	struct ring ring;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_MKDIRAT, .fd = AT_FDCWD, .len = 0700};
	int result;

	ring_open(r, &ring);
	(void)snprintf(path, sizeof(path), "/tmp/escape-ring-%d", (int)getpid());
	sqe.addr = (uintptr_t)path;
	result = ring_do(r, &ring, &sqe);
	if (result == 0 && rmdir(path) < 0)
		blocked(r, "nothing was there: %s", errno_name(errno));
	finish(r, result, "a directory was made");
}

/* The point of a ring for an escape: a socket family that socket(2) refuses. */
static void make_socket(struct run *r)
{
	struct ring ring;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_SOCKET};

	ring_open(r, &ring);
	sqe.fd = (int)r->attempt->number;
	sqe.off = SOCK_SEQPACKET;
	sqe.len = 0;
	finish(r, ring_do(r, &ring, &sqe), "an AF_ALG socket was made");
}

static void look(struct run *r)
{
	static unsigned char buf[256];
	struct ring ring;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_STATX, .fd = AT_FDCWD, .len = 0xfff};

	ring_open(r, &ring);
	sqe.addr = (uintptr_t) "/";
	sqe.off = (uintptr_t)buf;
	finish(r, ring_do(r, &ring, &sqe), "an inode was looked at");
}

static void splice_through(struct run *r)
{
	struct ring ring;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_SPLICE, .len = 1, .off = (uint64_t)-1};
	int p[2];

	ring_open(r, &ring);
	if (pipe(p) < 0)
		broken(r, "pipe: %s", errno_name(errno));
	sqe.fd = p[1];
	sqe.splice_fd_in = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	sqe.splice_off_in = (uint64_t)-1;
	finish(r, ring_do(r, &ring, &sqe), "a byte was spliced");
}

static void provide(struct run *r)
{
	static char buf[4096];
	struct ring ring;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_PROVIDE_BUFFERS, .fd = 1, .len = 64};

	ring_open(r, &ring);
	sqe.addr = (uintptr_t)buf;
	finish(r, ring_do(r, &ring, &sqe), "buffers were handed over");
}

static void register_buffers(struct run *r)
{
	static char buf[4096];
	struct ring ring;
	struct {
		void *base;
		size_t len;
	} v = {buf, sizeof(buf)};

	ring_open(r, &ring);
	if (call(r, SYS_io_uring_register, ring.fd, IORING_REGISTER_BUFFERS, &v, 1) < 0)
		refused(r);
	reached(r, "memory is pinned by the ring");
}

static void poll_file(struct run *r)
{
	struct ring ring;
	struct io_uring_sqe sqe = {.opcode = IORING_OP_POLL_ADD, .poll_events = 1};

	ring_open(r, &ring);
	sqe.fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	finish(r, ring_do(r, &ring, &sqe), "a descriptor was waited for");
}

#define RING(name, what, function)                                  \
	{                                                           \
		"io_uring." name, what, function, 0, NULL, BLOCK, 0 \
	}

const struct attempt attempts_uring[] = {
	RING("setup", "io_uring_setup", setup),
	{"io_uring.kernel-thread", "io_uring_setup with a thread of the kernel's", setup,
	 IORING_SETUP_SQPOLL, NULL, BLOCK, 0},
	{"io_uring.enter", "io_uring_enter", bare, SYS_io_uring_enter, "io_uring_enter", LATENT, 0},
	{"io_uring.register", "io_uring_register", bare, SYS_io_uring_register, "io_uring_register",
	 LATENT, 0},
	RING("nop", "a ring: nothing", nop),
	RING("open", "a ring: open files", open_file),
	RING("read", "a ring: read files", read_file),
	RING("directory", "a ring: change directories", make_directory),
	{"io_uring.socket", "a ring: make sockets", make_socket, 38 /* AF_ALG */, NULL, BLOCK, 0},
	RING("statx", "a ring: look at inodes", look),
	RING("splice", "a ring: splice", splice_through),
	RING("buffers", "a ring: provide buffers", provide),
	RING("pinned", "a ring: pin memory", register_buffers),
	RING("poll", "a ring: wait", poll_file),
	{0},
};
