/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfs: private memory file systems, never over other mounts. */
#ifndef SHIM_TMPFS_H
#define SHIM_TMPFS_H

#include "account.h"
#include "finding.h"

/**
 * tmpfs_mount() - mount a tmpfs, nosuid and nodev, noexec unless asked otherwise.
 * @fd: an existing directory, from path_open().
 * @defaults: tmpfs(5) options separated by commas, which @options may override.
 * @options: more of them, plus `exec`; may be empty.
 * Return: 0; -EBUSY when something is mounted below, which would vanish (in Incus that hid
 * the X11 socket under /tmp); -EINVAL for an option that tmpfs does not know; other -errno.
 */
int tmpfs_mount(int fd, const char *defaults, const char *options);

/**
 * tmpfs_path() - the path in the value of a --tmpfs.
 * @spec: PATH[:OPTIONS].
 * @path: out, PATH without slashes at its end. @size: its room in bytes.
 * Return: 0; -EINVAL for the root directory; -ENAMETOOLONG.
 */
int tmpfs_path(const char *spec, char *path, unsigned long size);

/**
 * tmpfs_private() - do what --tmpfs=PATH[:OPTIONS] asks for.
 * @spec: the option's value. @a: home and what is below it becomes the account's, mode
 *	0700; anything else is root's, mode 0755, unless the options say otherwise.
 * @f: out, on failure, step "tmpfs".
 *
 * Already a tmpfs mount of its own: nothing to do (a second launch in the same
 * container). Links of the application's are not followed, see path_open().
 * Return: 0 or -errno with EXIT_SETUP.
 */
int tmpfs_private(const char *spec, const struct account *a, struct finding *f);

#endif
