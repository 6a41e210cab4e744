/* SPDX-License-Identifier: Apache-2.0 */
/* command: replace this process by the application. */
#ifndef SHIM_COMMAND_H
#define SHIM_COMMAND_H

#include "finding.h"
#include "policy/policy.h"

/**
 * command_exec() - execute the command, looked up in the application's PATH.
 * @argv: the command and its arguments, or NULL for the first of /app/bin/stremio,
 *	/usr/bin/stremio and `stremio` in PATH that exists.
 * @env: its environment.
 * @policy: what is in force, or NULL: where it refuses namespaces, engines that insist on them
 *	are told to do without (engine.h).
 * @f: out, step "exec", with EXIT_NOT_FOUND or EXIT_CANNOT_EXEC.
 *
 * Does not return on success. Unlike execvp(3) it never hands a file of an unknown
 * format to /bin/sh. Return: -errno. Source: execve(2).
 */
int command_exec(char **argv, char **env, const struct policy *policy, struct finding *f);

#endif
