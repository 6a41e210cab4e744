/* SPDX-License-Identifier: Apache-2.0 */
#include "command.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "environment.h"
#include "text.h"

#define STEP "exec"

static int is_missing(int err)
{
	return err == ENOENT || err == ENOTDIR;
}

static int cannot(struct finding *f, int err, const char *path)
{
	const char *hint = NULL;

	switch (err) {
	case ENOENT:
		hint = "the file is there: its interpreter or dynamic loader is missing";
		break;
	case EACCES:
		hint = "the application's user must be able to execute it: chmod a+rx, no noexec "
		       "mount, and with Landlock a directory for programs or --ro";
		break;
	case ENOEXEC:
		hint = "neither a program for this machine nor a script with #! in its first line";
		break;
	case E2BIG:
		hint = "arguments and environment together are too long";
		break;
	default:
		break;
	}
	return finding_set(f, EXIT_CANNOT_EXEC, STEP, err, "cannot execute", path, hint);
}

/* What is executed, and what its engine must do without. */
struct plan {
	char **argv;
	char **env;
	bool no_namespaces;
};

/* Return: 0 to look further, or -errno when the search ends here. */
static int try_file(const char *path, const struct plan *p, struct finding *f)
{
	char **argv = p->argv, **env = p->env;
	int err;

	if (p->no_namespaces && access(path, F_OK) == 0) {
		argv = engine_arguments(path, argv);
		env = engine_environment(path, env);
	}
	execve(path, argv, env);
	err = errno;
	/* With ENOENT it is the file or what it names in its first bytes. */
	if (is_missing(err) && access(path, F_OK) < 0)
		return 0;
	return cannot(f, err, path);
}

static int try_path(const char *name, const struct plan *p, struct finding *f)
{
	const char *dirs = environment_get(p->env, "PATH");
	int denied = 0;
	char path[PATH_MAX];

	while (dirs) {
		const char *colon = strchr(dirs, ':');
		size_t len = colon ? (size_t)(colon - dirs) : strlen(dirs);
		size_t name_len = strlen(name);

		if (len && len + name_len + 2 <= sizeof(path)) {
			int r;

			memcpy(path, dirs, len);
			path[len] = '/';
			memcpy(path + len + 1, name, name_len + 1);
			r = try_file(path, p, f);
			/* As a shell does it: one that may not be executed does not
			 * hide one further on. */
			if (r < 0 && r != -EACCES)
				return r;
			if (r < 0)
				denied = 1;
		}
		dirs = colon ? colon + 1 : NULL;
	}
	return denied ? -EACCES : 0;
}

static int not_found(struct finding *f, const char *name, const char *hint)
{
	return finding_set(f, EXIT_NOT_FOUND, STEP, ENOENT, "no such command:", name, hint);
}

static int exec_default(const struct plan *p, struct finding *f)
{
	static const char *const paths[] = {"/app/bin/stremio", "/usr/bin/stremio"};
	char name[] = "stremio";
	char *argv[] = {name, NULL};
	const struct plan named = {argv, p->env, p->no_namespaces};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(paths) / sizeof(paths[0]); i++)
		r = try_file(paths[i], &named, f);
	if (!r)
		r = try_path(name, &named, f);
	return r ? r : not_found(f, name, "install it in the image, or name a COMMAND");
}

int command_exec(char **argv, char **env, const struct policy *policy, struct finding *f)
{
	const struct plan p = {argv, env, engine_lacks_namespaces(policy)};
	int r;

	if (!argv)
		return exec_default(&p, f);
	if (!argv[0][0])
		return not_found(f, argv[0], NULL);
	if (strchr(argv[0], '/'))
		r = try_file(argv[0], &p, f);
	else
		r = try_path(argv[0], &p, f);
	return r ? r : not_found(f, argv[0], "give its whole path, or set PATH");
}
