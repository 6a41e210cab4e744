/* SPDX-License-Identifier: Apache-2.0 */
#include "directory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"

/* struct linux_dirent64, which getdents64(2) leaves to the caller to declare. */
struct kernel_dirent {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

int directory_open(struct directory *d, const char *path)
{
	d->at = d->end = 0;
	d->fd = sys_open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	return d->fd < 0 ? d->fd : 0;
}

int directory_next(struct directory *d, const char **name)
{
	const struct kernel_dirent *entry;

	if (d->at >= d->end) {
		long n = syscall(SYS_getdents64, d->fd, d->buf, sizeof(d->buf));

		if (n <= 0)
			return n < 0 ? -errno : 0;
		d->at = 0;
		d->end = (size_t)n;
	}
	entry = (const void *)(d->buf + d->at);
	d->at += entry->reclen;
	*name = entry->name;
	return 1;
}

void directory_close(struct directory *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}
