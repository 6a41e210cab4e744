/* SPDX-License-Identifier: Apache-2.0 */
#include "landlock_rules.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "environment.h"
#include "path.h"
#include "probe/wire.h"
#include "text.h"
#include "tmpfs.h"

#define NVIDIA "/dev/nvidia" /* and the GPU's number */
#define NVIDIA_MAX 32	     /* NV_MAX_DEVICES of the driver's nvlimits.h */

struct path_rule {
	const char *path;
	uint32_t access;
};

static const struct path_rule fixed[] = {
	/* Where programs and their libraries live. */
	{"/usr", FS_PROGRAMS},
	{"/bin", FS_PROGRAMS},
	{"/sbin", FS_PROGRAMS},
	{"/lib", FS_PROGRAMS},
	{"/lib64", FS_PROGRAMS},
	{"/app", FS_PROGRAMS},
	{"/opt", FS_PROGRAMS},
	/* What they read: fonts, certificates, ALSA's configuration, caches of fontconfig,
	 * the GPU's description in /sys, and /proc, without which Chromium does not run. */
	{"/etc", FS_DATA},
	{"/proc", FS_DATA},
	{"/sys", FS_DATA},
	{"/run", FS_DATA},
	{"/var/cache", FS_DATA},
	{"/var/lib", FS_DATA},
	/* Scratch space. */
	{"/tmp", FS_WRITABLE},
	{"/var/tmp", FS_WRITABLE},
	{"/dev/shm", FS_WRITABLE},
	/* Devices. Their modes still decide. */
	{"/dev", FS_LIST},
	{"/dev/null", FS_DEVICE},
	{"/dev/zero", FS_DEVICE},
	{"/dev/full", FS_DEVICE},
	{"/dev/random", FS_DEVICE},
	{"/dev/urandom", FS_DEVICE},
	{"/dev/tty", FS_DEVICE},
	{"/dev/console", FS_DEVICE},
	{"/dev/ptmx", FS_DEVICE},
	{"/dev/pts", FS_DEVICES},
};

/* Of --devices. Whole directories, so that a node that is plugged in later works too: what is in
 * force can be narrowed and never widened. A rule is of the very directory that is there now:
 * stremio-hook(8) makes each before the shim starts, and leaves it when its last node goes. */
static const struct path_rule of_gpu[] = {
	{"/dev/dri", FS_DEVICES},
	{"/dev/kfd", FS_DEVICE},
	/* NVIDIA's GPUs themselves: each_of_gpu(). */
	{"/dev/nvidiactl", FS_DEVICE},
	{"/dev/nvidia-modeset", FS_DEVICE},
	{"/dev/nvidia-uvm", FS_DEVICE},
	{"/dev/nvidia-uvm-tools", FS_DEVICE},
};

static const struct path_rule of_sound[] = {
	{"/dev/snd", FS_DEVICES},
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The directories that the environment names as the application's own. */
static const char *const writable_variables[] = {
	"HOME",
	"XDG_RUNTIME_DIR",
	"XDG_CACHE_HOME",
	"TMPDIR",
};

/* "/" and what is not absolute are no such directories, whatever a variable says. */
static bool is_below_root(const char *path)
{
	return path && path[0] == '/' && path[strspn(path, "/")];
}

static int each_writable_variable(char **env, landlock_rule rule, void *context)
{
	const char *home = environment_get(env, "HOME");

	for (size_t i = 0; i < COUNT(writable_variables); i++) {
		const char *path = environment_get(env, writable_variables[i]);
		int r;

		/* What a rule covers already needs none of its own. */
		if (!is_below_root(path) || !strcmp(path, "/tmp") ||
		    (path != home && home && path_is_at_or_below(path, home)))
			continue;
		r = rule(context, path, FS_WRITABLE, LANDLOCK_DERIVED);
		if (r)
			return r;
	}
	return 0;
}

static int program_directory(const char *path, size_t len, landlock_rule rule, void *context)
{
	char dir[PATH_MAX];

	if (len >= sizeof(dir))
		return 0;
	memcpy(dir, path, len);
	dir[len] = '\0';
	return rule(context, dir, FS_PROGRAMS, LANDLOCK_DERIVED);
}

static bool is_fixed(const char *dir, size_t len)
{
	for (size_t i = 0; i < COUNT(fixed); i++)
		if (fixed[i].access == FS_PROGRAMS && strlen(fixed[i].path) == len &&
		    !strncmp(fixed[i].path, dir, len))
			return true;
	return !strncmp(dir, "/usr/", 5);
}

static int each_of_path(char **env, landlock_rule rule, void *context)
{
	const char *dirs = environment_get(env, "PATH");

	while (dirs) {
		const char *colon = strchr(dirs, ':');
		size_t len = colon ? (size_t)(colon - dirs) : strlen(dirs);

		if (len > 1 && dirs[0] == '/' && !is_fixed(dirs, len)) {
			int r = program_directory(dirs, len, rule, context);

			if (r)
				return r;
		}
		dirs = colon ? colon + 1 : NULL;
	}
	return 0;
}

/* The command's neighbours, too: Stremio starts the `node` beside itself. */
static int directory_of_command(const char *command, landlock_rule rule, void *context)
{
	const char *slash = strrchr(command, '/');
	size_t len = slash ? (size_t)(slash - command) : 0;
	int r = 0;

	if (!slash || is_fixed(command, len))
		return 0;
	if (len)
		r = program_directory(command, len, rule, context);
	/* In the root directory, which is never opened as a whole, it stands alone. */
	return r ? r : rule(context, command, FS_EXECUTE | FS_READ_FILE, LANDLOCK_DERIVED);
}

static int of_tmpfs(const char *spec, landlock_rule rule, void *context)
{
	char path[PATH_MAX];

	if (tmpfs_path(spec, path, sizeof(path)) < 0)
		return 0;
	return rule(context, path, FS_WRITABLE, LANDLOCK_DERIVED);
}

static int each_fixed(const struct path_rule *rules, size_t count, landlock_rule rule,
		      void *context)
{
	int r = 0;

	for (size_t i = 0; !r && i < count; i++)
		r = rule(context, rules[i].path, rules[i].access, LANDLOCK_FIXED);
	return r;
}

static int each_of_gpu(landlock_rule rule, void *context)
{
	int r = each_fixed(of_gpu, COUNT(of_gpu), rule, context);
	char path[sizeof(NVIDIA) + 2];
	struct text t;

	/* None of theirs works without: where it is missing they are not looked for one by one. */
	if (access(NVIDIA "ctl", F_OK) < 0)
		return r;
	for (unsigned int n = 0; !r && n < NVIDIA_MAX; n++) {
		text_begin(&t, path, sizeof(path));
		text_str(&t, NVIDIA);
		text_num(&t, n);
		r = rule(context, path, FS_DEVICE, LANDLOCK_FIXED);
	}
	return r;
}

int landlock_rules_each(const struct options *o, char **env, landlock_rule rule, void *context)
{
	int r = each_fixed(fixed, COUNT(fixed), rule, context);

	if (!r && o->devices & GROUP_BIT(GROUP_GPU))
		r = each_of_gpu(rule, context);
	if (!r && o->devices & GROUP_BIT(GROUP_SOUND))
		r = each_fixed(of_sound, COUNT(of_sound), rule, context);
	if (!r)
		r = each_writable_variable(env, rule, context);
	if (!r)
		r = each_of_path(env, rule, context);
	if (!r && o->command)
		r = directory_of_command(o->command[0], rule, context);
	for (size_t i = 0; !r && i < o->tmpfs_count; i++)
		r = of_tmpfs(o->tmpfs[i], rule, context);
	for (size_t i = 0; !r && i < o->ro_count; i++)
		r = rule(context, o->ro[i], FS_PROGRAMS, LANDLOCK_REQUIRED);
	for (size_t i = 0; !r && i < o->rw_count; i++)
		r = rule(context, o->rw[i], FS_WRITABLE, LANDLOCK_REQUIRED);
	return r;
}
