/* SPDX-License-Identifier: Apache-2.0 */
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "directory.h"
#include "sys.h"
#include "text.h"

static int close_or_mark(int fd, unsigned int flags)
{
	if (flags & CLOSE_RANGE_CLOEXEC)
		return sys_fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
	close(fd); /* even a failing close(2) releases the number on Linux */
	return 0;
}

/* For kernels before 5.9: one by one, by the kernel's own list. */
static int each_descriptor(unsigned int flags)
{
	struct directory dir;
	const char *name;
	uint32_t fd;
	int r;

	r = directory_open(&dir, "/proc/self/fd");
	while (!r && (r = directory_next(&dir, &name)) > 0) {
		r = 0;
		if (!parse_u32(name, INT32_MAX, &fd) && fd > 2 && (int)fd != dir.fd)
			r = close_or_mark((int)fd, flags);
	}
	directory_close(&dir);
	return r;
}

static int from_three_up(unsigned int flags)
{
	if (syscall(SYS_close_range, 3U, ~0U, flags) == 0)
		return 0;
	/* CLOSE_RANGE_CLOEXEC came with 5.11, the call itself with 5.9. */
	if (errno == ENOSYS || errno == EINVAL)
		return each_descriptor(flags);
	return -errno;
}

static const char *const names[] = {"stdin", "stdout", "stderr"};

int descriptors_clean(unsigned int *closed, struct finding *f)
{
	int r = from_three_up(0);

	*closed = 0;
	if (r < 0)
		return finding_set(f, EXIT_SETUP, "descriptors", -r,
				   "cannot close what was inherited", NULL,
				   "mount /proc, or use a kernel of 5.9 or newer");

	for (int fd = 0; fd <= 2; fd++) {
		if (sys_fcntl(fd, F_GETFD, 0) >= 0)
			continue;
		/* Lower ones are open by now, so open(2) returns this number. */
		if (open("/dev/null", O_RDWR) != fd)
			return finding_set(f, EXIT_SETUP, "descriptors", errno,
					   "closed, and /dev/null cannot take its place:",
					   names[fd], "the container needs /dev/null");
		*closed |= 1u << fd;
	}
	return 0;
}

void descriptors_report(unsigned int closed)
{
	char which[32];
	struct text t;

	text_begin(&t, which, sizeof(which));
	for (int fd = 0; fd <= 2; fd++) {
		if (!(closed & 1u << fd))
			continue;
		text_str(&t, t.len ? ", " : "");
		text_str(&t, names[fd]);
	}
	if (t.len)
		log_warn("descriptors", 0, "was closed, /dev/null is in its place:", which, NULL);
}

int descriptors_close_on_exec(struct finding *f)
{
	int r = from_three_up(CLOSE_RANGE_CLOEXEC);

	if (r < 0)
		return finding_set(f, EXIT_CONFINE, "close-on-exec", -r,
				   "cannot mark open descriptors", NULL,
				   "mount /proc, or use a kernel of 5.11 or newer");
	return 0;
}
