/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs: private memory file systems, never over other mounts. */
#ifndef SHIM_TMPFS_H
#define SHIM_TMPFS_H

#include "finding.h"

/**
 * tmpfs_mount() - mount a tmpfs, nosuid and nodev, noexec unless asked otherwise.
 * @path: an existing directory. @options: tmpfs(5) options separated by commas, plus
 *	`exec`; may be empty.
 * Return: 0 or -errno (-EINVAL: an option that tmpfs does not know).
 */
int tmpfs_mount(const char *path, const char *options);

/**
 * tmpfs_private() - do what --tmpfs=PATH[:OPTIONS] asks for.
 * @spec: the option's value. @f: out, on failure, step "tmpfs".
 *
 * Already a tmpfs mount of its own: nothing to do (a second launch in the same
 * container). Something is mounted below PATH: refused, because it would vanish (in
 * Incus that hid the X11 socket under /tmp).
 * Return: 0 or -errno with EXIT_SETUP.
 */
int tmpfs_private(const char *spec, struct finding *f);

#endif
