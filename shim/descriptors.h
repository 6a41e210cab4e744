/* SPDX-License-Identifier: Apache-2.0 */
/* descriptors: nothing inherited but stdin, stdout and stderr, and those always there. */
#ifndef SHIM_DESCRIPTORS_H
#define SHIM_DESCRIPTORS_H

#include "finding.h"

/**
 * descriptors_clean() - close everything from 3 up and fill gaps in 0-2.
 * @closed: out, which of 0-2 were closed, one bit each.
 * @f: out, on failure, step "descriptors".
 *
 * A closed standard descriptor is replaced by /dev/null, or the next file opened would
 * become somebody's stdout.
 * Return: 0 or -errno. Source: close_range(2), with /proc/self/fd where the kernel is
 * older than 5.9.
 */
int descriptors_clean(unsigned int *closed, struct finding *f);

/** descriptors_report() - a warning line for what was closed. @closed: as above. */
void descriptors_report(unsigned int closed);

/**
 * descriptors_close_on_exec() - mark everything from 3 up close-on-exec.
 * @f: out, on failure.
 * The last net below the launch: nothing that this program or its libraries opened
 * reaches the application. Return: 0 or -errno.
 */
int descriptors_close_on_exec(struct finding *f);

#endif
