/* SPDX-License-Identifier: Apache-2.0 */
/* directory: reading a directory without a heap (readdir(3) allocates). */
#ifndef SHIM_DIRECTORY_H
#define SHIM_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

struct directory {
	int fd; /* -1 when closed */
	size_t at, end;
	_Alignas(8) char buf[2048];
};

/**
 * directory_open() - start reading.
 * @d: out; directory_close() is safe after a failure too.
 * @path: the directory; a symbolic link in the last place is refused.
 * Return: 0 or -errno.
 */
int directory_open(struct directory *d, const char *path);

/**
 * directory_next() - the next name, "." and ".." included.
 * @d: opened. @name: out, valid until the next call.
 * Return: 1, 0 at the end, -errno. Source: getdents64(2).
 */
int directory_next(struct directory *d, const char **name);

/** directory_close() - end reading. */
void directory_close(struct directory *d);

#endif
