/* SPDX-License-Identifier: Apache-2.0 */
#include "environment.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "text.h"

#define TEXT_ROOM 2048 /* more than the longest account fields together */

struct added {
	const char *name;
	const char *value; /* NULL: nothing to say */
	const char *tail;  /* appended to the value, or NULL */
	bool accounts;	   /* belongs to the account: root's value does not count */
};

const char *environment_get(char **env, const char *name)
{
	size_t len = strlen(name);

	for (; *env; env++)
		if (!strncmp(*env, name, len) && (*env)[len] == '=')
			return *env + len + 1;
	return NULL;
}

static bool is_roots(char **given, const struct account *a)
{
	const char *user = environment_get(given, "USER");
	const char *home = environment_get(given, "HOME");

	return a->uid != 0 && ((user && !strcmp(user, "root")) || (home && !strcmp(home, "/root")));
}

int environment_home(char **given, struct account *a, struct finding *f)
{
	const char *home = environment_get(given, "HOME");

	if (!home || home[0] != '/' || is_roots(given, a))
		return 0;
	if (strlen(home) >= sizeof(a->home))
		return finding_set(f, EXIT_SETUP, "environment", ENAMETOOLONG, "HOME is too long",
				   NULL, "255 bytes at most");
	memcpy(a->home, home, strlen(home) + 1);
	return 0;
}

/* Does this entry of the given environment yield to one that is added? */
static bool yields(const char *entry, const struct added *added, size_t count, bool roots)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(added[i].name);

		if (strncmp(entry, added[i].name, len) != 0 || entry[len] != '=')
			continue;
		if (!roots || !added[i].accounts)
			return false;
		return strcmp(added[i].name, "XDG_RUNTIME_DIR") != 0 ||
		       !strcmp(entry + len + 1, "/run/user/0");
	}
	return false;
}

/* @name: what stands behind a '=' in it does not count. */
static bool was_kept(char **kept, size_t count, const char *name)
{
	size_t len = strcspn(name, "=");

	for (size_t i = 0; i < count; i++)
		if (!strncmp(kept[i], name, len) && kept[i][len] == '=')
			return true;
	return false;
}

char **environment_with(char **given, const char *const *more, size_t count)
{
	size_t n = 0;
	char **env;

	if (!count)
		return given;
	while (given[n])
		n++;
	env = mmap(NULL, (n + count + 1) * sizeof(*env), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (env == MAP_FAILED)
		return NULL;
	memcpy(env, given, n * sizeof(*env));
	while (count--) {
		char *entry = (char *)(uintptr_t)more[count];

		if (!was_kept(env, n, entry))
			env[n++] = entry;
	}
	env[n] = NULL;
	return env;
}

char **environment_build(char **given, const struct account *a, const struct runtime_dir *rd)
{
	return environment_build_in(NULL, 0, given, a, rd);
}

char **environment_build_in(void *room, size_t room_size, char **given, const struct account *a,
			    const struct runtime_dir *rd)
{
	const char *xdg = rd->path[0] ? rd->path : NULL;
	const struct added added[] = {
		{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL,
		 false},
		{"HOME", a->home, NULL, true},
		{"USER", a->name, NULL, true},
		{"LOGNAME", a->name, NULL, true},
		{"SHELL", a->shell, NULL, true},
		{"LANG", "C.UTF-8", NULL, false},
		{"TMPDIR", "/tmp", NULL, false},
		{"XDG_RUNTIME_DIR", xdg, NULL, true},
		/* Mesa's shader cache asks the passwd file, not HOME, without this. */
		{"XDG_CACHE_HOME", a->home, "/.cache", false},
		/* SysV shared memory cannot work across the container's IPC namespace. */
		{"QT_X11_NO_MITSHM", "1", NULL, false},
		/* Otherwise every D-Bus client starts a bus of its own and leaves it behind. */
		{"DBUS_SESSION_BUS_ADDRESS", rd->has_bus ? NULL : "disabled:", NULL, false},
	};
	const size_t added_count = sizeof(added) / sizeof(added[0]);
	bool roots = is_roots(given, a);
	size_t count = 0;
	size_t n = 0;
	struct text t;
	size_t size;
	char **env;
	char *strings;

	while (given[count])
		count++;
	size = (count + added_count + 1) * sizeof(*env);
	env = room;
	if (!room || size + TEXT_ROOM > room_size)
		env = mmap(NULL, size + TEXT_ROOM, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (env == MAP_FAILED)
		return NULL;
	strings = (char *)env + size;

	for (size_t i = 0; i < count; i++)
		if (!yields(given[i], added, added_count, roots))
			env[n++] = given[i];
	count = n;
	for (size_t i = 0; i < added_count; i++) {
		if (!added[i].value || was_kept(env, count, added[i].name))
			continue;
		text_begin(&t, strings, TEXT_ROOM - (size_t)(strings - (char *)env - size));
		text_str(&t, added[i].name);
		text_str(&t, "=");
		text_str(&t, added[i].value);
		text_str(&t, added[i].tail);
		env[n++] = strings;
		strings += t.len + 1;
	}
	env[n] = NULL;
	return env;
}
