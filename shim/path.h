/* SPDX-License-Identifier: Apache-2.0 */
/* path: opening what a path names without being led astray by the application. */
#ifndef SHIM_PATH_H
#define SHIM_PATH_H

#include <stdbool.h>

/**
 * path_open() - open a path as it is, for its place only.
 * @path: absolute, or relative to the working directory.
 *
 * Symbolic links are followed when root made them (/var/run, /bin, what an image's maker
 * laid out), and no others: the application owns its home, which outlives it, and a
 * link left there must not decide what the next start mounts on or opens to it.
 *
 * Return: an O_PATH, close-on-exec descriptor; -ELOOP at a link that is not root's;
 * other -errno. Source: openat(2), path_resolution(7), symlink(7).
 */
int path_open(const char *path);

/**
 * path_make_directory() - create a directory and its missing parents.
 * @path: absolute. @uid, @gid, @mode: of the last one, when it is created here; parents
 *	that are missing become root's, mode 0755.
 * @created: out, whether the last one was.
 *
 * What exists is left as it is, and what could not be given its owner and mode is
 * removed again. Links as in path_open(), none in the last place.
 * Return: 0 or -errno.
 */
int path_make_directory(const char *path, unsigned int uid, unsigned int gid, unsigned int mode,
			bool *created);

/**
 * path_is_at_or_below() - compare two paths by their letters.
 * @path: the one to place. @dir: a directory; the root has nothing below it here.
 * Return: true or false.
 */
bool path_is_at_or_below(const char *path, const char *dir);

/**
 * path_mounts_below() - is anything mounted strictly below a place?
 * @fd: from path_open().
 * Return: 1, 0, or -errno. Source: /proc/self/mountinfo, proc(5).
 */
int path_mounts_below(int fd);

#endif
