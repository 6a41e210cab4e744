/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "directory.h"
#include "probe/wire.h"
#include "sys.h"

#define DRM_MAJOR 226
#define DRM_RENDER_MINOR 128
#define SOUND_MAJOR 116
#define OVERFLOW_GID 65534

static void insert(struct groups *g, gid_t gid)
{
	size_t at = 0;

	while (at < g->count && g->gid[at] < gid)
		at++;
	if (at < g->count && g->gid[at] == gid)
		return;
	g->full = g->count == GROUPS_MAX;
	if (g->full)
		return;
	memmove(&g->gid[at + 1], &g->gid[at], (g->count - at) * sizeof(gid_t));
	g->gid[at] = gid;
	g->count++;
}

/* @kind: GROUP_BIT() of what is in there. */
static void scan(const char *path, unsigned int major_number, unsigned int first_minor,
		 uint32_t kind, struct groups *out)
{
	struct directory dir;
	const char *name;
	struct stat st;

	if (directory_open(&dir, path) < 0)
		return;
	out->there |= kind;
	while (directory_next(&dir, &name) > 0) {
		if (sys_fstatat(dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISCHR(st.st_mode) || major(st.st_rdev) != major_number)
			continue;
		/* By name only: stremio-hook(8). */
		if (st.st_mode & 0777)
			out->nodes |= kind;
		if (minor(st.st_rdev) >= first_minor && (st.st_mode & 0060) == 0060 &&
		    st.st_gid != 0 && st.st_gid != OVERFLOW_GID)
			insert(out, st.st_gid);
	}
	directory_close(&dir);
}

void groups_of_devices(uint32_t devices, struct groups *out)
{
	unsigned int first = devices & PRIMARY_WANTED ? 0 : DRM_RENDER_MINOR;

	*out = (struct groups){.count = 0};
	if (devices & GROUP_BIT(GROUP_GPU))
		scan("/dev/dri", DRM_MAJOR, first, GROUP_BIT(GROUP_GPU), out);
	if (devices & GROUP_BIT(GROUP_SOUND))
		scan("/dev/snd", SOUND_MAJOR, 0, GROUP_BIT(GROUP_SOUND), out);
}

bool groups_have(const struct groups *g, const struct groups *more)
{
	struct groups all = *g;

	for (size_t i = 0; i < more->count; i++)
		insert(&all, more->gid[i]);
	return all.count == g->count && !(more->there & ~g->there);
}
