/* SPDX-License-Identifier: Apache-2.0 */
/* sys: system calls as they are, where a libc adds to them. */
#ifndef SHIM_SYS_H
#define SHIM_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/**
 * sys_open() - openat(2) with O_CLOEXEC, relative to the working directory.
 * @path: the file. @flags: access mode and O_* flags; none that creates a file.
 * musl's open(3) is another call on x86_64 and is followed by an fcntl(2); the
 * supervisor's own filter knows this one only.
 * Return: a descriptor or -errno.
 */
static inline int sys_open(const char *path, int flags)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

#endif
