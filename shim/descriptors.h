/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors: nothing inherited but stdin, stdout and stderr, and those always there. */
#ifndef SHIM_DESCRIPTORS_H
#define SHIM_DESCRIPTORS_H

#include "finding.h"

/**
 * descriptors_clean() - close everything from 3 up and fill gaps in 0-2.
 * @f: out, on failure.
 *
 * A closed standard descriptor is replaced by /dev/null (with a warning line), or
 * the next file opened would become somebody's stdout. Step "descriptors".
 * Return: 0 or -errno. Source: close_range(2), with /proc/self/fd where the kernel is
 * older than 5.9.
 */
int descriptors_clean(struct finding *f);

/**
 * descriptors_close_on_exec() - mark everything from 3 up close-on-exec.
 * @f: out, on failure.
 * The last net below the launch: nothing that this program or its libraries opened
 * reaches the application. Return: 0 or -errno.
 */
int descriptors_close_on_exec(struct finding *f);

#endif
