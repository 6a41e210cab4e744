/* SPDX-License-Identifier: Apache-2.0 */
/* args_file: the default command line of an image, one word a line. */
#ifndef SHIM_ARGS_FILE_H
#define SHIM_ARGS_FILE_H

#include <stddef.h>

#include "finding.h"

/**
 * args_file_read() - read the file into words.
 * @path: the file; a regular one, of at most OPTIONS_ARGS_MAX bytes.
 * @words: out, a NULL-terminated array in a private mapping, or NULL when there is
 *	no such file. Empty lines and lines that begin with '#' do not count.
 * @f: out, on failure, step "args-file".
 * It must belong to root or to this process's user, and nobody else may write to it.
 * Return: 0 or -errno with EXIT_SETUP; -EPERM with EXIT_CONFINE; -EINVAL with EXIT_USAGE for a NUL byte inside.
 */
int args_file_read(const char *path, char ***words, struct finding *f);

/**
 * args_file_split() - cut a text into words, in place.
 * @buf: the text, @len bytes, with one more byte of room behind it.
 * @words: out, room for @max pointers including the closing NULL.
 * Return: the number of words, -EINVAL (a NUL byte), -E2BIG (more than fit).
 */
int args_file_split(char *buf, size_t len, char **words, size_t max);

#endif
