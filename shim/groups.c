/* SPDX-License-Identifier: Apache-2.0 */
#include "groups.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "directory.h"
#include "finding.h"
#include "probe/wire.h"

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
	if (g->count == GROUPS_MAX) {
		log_warn("groups", 0, "the devices belong to more than 32, the rest is left out",
			 NULL, NULL);
		return;
	}
	memmove(&g->gid[at + 1], &g->gid[at], (g->count - at) * sizeof(gid_t));
	g->gid[at] = gid;
	g->count++;
}

static bool is_device(const struct stat *st, unsigned int major_number, unsigned int first_minor)
{
	return S_ISCHR(st->st_mode) && major(st->st_rdev) == major_number &&
	       minor(st->st_rdev) >= first_minor;
}

static void scan(const char *path, unsigned int major_number, unsigned int first_minor,
		 struct groups *out)
{
	struct directory dir;
	const char *name;
	struct stat st;

	if (directory_open(&dir, path) < 0)
		return;
	while (directory_next(&dir, &name) > 0) {
		if (fstatat(dir.fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !is_device(&st, major_number, first_minor))
			continue;
		if ((st.st_mode & 0060) == 0060 && st.st_gid != 0 && st.st_gid != OVERFLOW_GID)
			insert(out, st.st_gid);
	}
	directory_close(&dir);
}

void groups_of_devices(uint32_t devices, struct groups *out)
{
	out->count = 0;
	if (devices & GROUP_BIT(GROUP_GPU))
		scan("/dev/dri", DRM_MAJOR, DRM_RENDER_MINOR, out);
	if (devices & GROUP_BIT(GROUP_SOUND))
		scan("/dev/snd", SOUND_MAJOR, 0, out);
}
