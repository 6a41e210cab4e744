/* SPDX-License-Identifier: Apache-2.0 */
/* landlock: which files the application reaches, whatever their modes say. */
#ifndef SHIM_LANDLOCK_H
#define SHIM_LANDLOCK_H

#include <stdbool.h>

#include "finding.h"
#include "options.h"

/* The newest version of the interface whose rights are used here. */
#define LANDLOCK_ABI_FULL 6

/**
 * landlock_abi() - the version of the interface that the running kernel has.
 * Return: 1 and up; 0 when Landlock is not built in or not enabled; -errno when the
 * kernel does not tell. Source: landlock(7).
 */
int landlock_abi(void);

/**
 * landlock_lacks() - what a version cannot restrict.
 * @abi: from landlock_abi().
 * Return: words for a person, or NULL when nothing is missing.
 */
const char *landlock_lacks(int abi);

/**
 * landlock_check() - is what was asked for to be had?
 * @o: the options.
 * @abi: out, the version to build on; 0 when Landlock is not to be applied. Not with
 *	--userns=allow: the sandboxes which that is for mount file systems, and Landlock
 *	forbids all mounting.
 * @f: out, on failure, step "landlock".
 * A kernel without Landlock, an old one, or --userns=allow: a warning line with
 * --landlock=auto, a failure with --landlock=require. Before the fork.
 * Return: 0 or -errno with EXIT_CONFINE (EXIT_USAGE for options that exclude each other).
 */
int landlock_check(const struct options *o, int *abi, struct finding *f);

/**
 * landlock_confine() - restrict this process and all its descendants.
 * @o: --rw, --ro and the command, whose directory counts as one for programs.
 * @abi: from landlock_check(); 0: nothing is done.
 * @env: the application's environment: HOME, XDG_RUNTIME_DIR, XDG_CACHE_HOME and TMPDIR
 *	are writable, what PATH names is executable. Links that are not root's are not followed,
 *	see path_open().
 * @f: out, on failure, step "landlock".
 *
 * Programs: read and execute. System data: read. Home and the like: all but execute
 * and device nodes (a dynamic loader can still be handed a file of the home). Devices: read, write, control. Everything else: nothing. Where the
 * kernel can: no signals to processes outside, no abstract sockets of others, unless an
 * X server listens on one in this network namespace (libxcb tries it first and gives
 * up on EPERM). Then tries whether it took.
 *
 * As the application's user, after no_new_privs, before the filter.
 * Return: 0 or -errno with EXIT_CONFINE. A path of --rw or --ro that does not exist is one.
 */
int landlock_confine(const struct options *o, int abi, char **env, struct finding *f);

/**
 * landlock_hides_display() - in a confined process: does somebody listen on the display's abstract
 * socket whom the domain keeps out of reach? An X server that came after it, for a domain never
 * widens; or whoever landlock_confine() does not take for one, so it says nothing about the next.
 * @env: as for landlock_confine().
 */
bool landlock_hides_display(char **env);

#endif
