/* SPDX-License-Identifier: Apache-2.0 */
/* The GPU's nodes in /dev/dri, each opened as the application would. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "groups.h"
#include "node.h"

#define DRI "/dev/dri"
#define DRM_MAJOR 226
/* Minors below 64 are primary nodes', 128 to 191 render nodes'; above 191 they are mixed, since
 * Linux 6.12 (drivers/gpu/drm/drm_drv.c, DRM_MINOR_LIMIT). */
#define RENDER_MINOR 128
#define MIXED_MINOR 192

/* DRM_IOCTL_VERSION of the kernel's drm.h, which Debian ships with libdrm only. */
struct drm_version {
	int version_major;
	int version_minor;
	int version_patchlevel;
	size_t name_len; /* in, room; out, its length, which may be more */
	char *name;
	size_t date_len;
	char *date;
	size_t desc_len;
	char *desc;
};
#define DRM_VERSION _IOWR('d', 0x00, struct drm_version)

static enum hint hint_of(int err)
{
	switch (err) {
	case ENXIO:
	case ENODEV:
		return HINT_GPU_GONE;
	case EROFS:
		return HINT_NODE_READ_ONLY;
	case ENOTTY:
	case EINVAL:
		return HINT_GPU_NOT_DRM;
	default:
		return HINT_GPU_ERROR;
	}
}

static void failed(const char *what, int err)
{
	report_say(err == ENXIO || err == ENODEV ? "its GPU is gone" : what);
	report_error(err);
	report_end(STATUS_FAIL, hint_of(err));
}

/* The driver and its version into the summary: "virtio_gpu 0.1.0". */
static int say_driver(int fd)
{
	char name[64] = "";
	struct drm_version v = {.name_len = sizeof(name) - 1, .name = name};

	if (ioctl(fd, DRM_VERSION, &v) < 0)
		return -errno;
	report_quote(name);
	report_say(" ");
	report_number((unsigned int)v.version_major);
	report_say(".");
	report_number((unsigned int)v.version_minor);
	report_say(".");
	report_number((unsigned int)v.version_patchlevel);
	return 0;
}

static bool is_of_kind(const struct stat *st, bool render)
{
	unsigned int minor = minor(st->st_rdev);

	return minor >= MIXED_MINOR || render == (minor >= RENDER_MINOR);
}

/* A node of the wrong kind under this name? Return: true when the finding has been ended. */
static bool misnamed(const struct stat *st, bool render)
{
	if (is_of_kind(st, render))
		return false;
	report_say("is no ");
	report_say(render ? "render" : "primary");
	report_say(" node: minor ");
	report_number(minor(st->st_rdev));
	report_end(STATUS_FAIL, HINT_NODE_WRONG_DEVICE);
	return true;
}

static void render(int dir, const char *name)
{
	struct stat st;
	int fd = node_open(dir, name, DRM_MAJOR, &st);
	int r;

	if (fd == -ENOMSG)
		return;
	if (fd < 0) {
		failed("cannot be opened", -fd);
		return;
	}
	if (!misnamed(&st, true)) {
		r = say_driver(fd);
		if (r < 0)
			failed("does not name its driver", -r);
		else
			report_end(STATUS_OK, HINT_NONE);
	}
	close(fd);
}

/* So the host's hook gives a primary node that nobody has asked for (stremio-hook(8)). */
static bool is_name_only(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
	       major(st.st_rdev) == DRM_MAJOR && !(st.st_mode & 0777);
}

static bool is_primary(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISCHR(st.st_mode) &&
	       major(st.st_rdev) == DRM_MAJOR && is_of_kind(&st, false);
}

/* Being DRM master is a privilege: what cannot be used as a primary node is as good as none. */
static void unwanted(int dir, const char *name)
{
	int fd;
	int r;

	if (!is_primary(dir, name)) {
		report_say("no usable primary node, and none is needed");
		report_end(STATUS_OK, HINT_NONE);
		return;
	}
	fd = openat(dir, name, O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		report_say("not usable, and not needed");
		report_error(errno);
		report_end(STATUS_OK, HINT_NONE);
		return;
	}
	r = say_driver(fd);
	if (r < 0) {
		report_say("opens, is not needed, and does not name its driver");
		report_error(-r);
	} else {
		report_say(", usable: a client can become DRM master");
	}
	report_end(STATUS_WARN, HINT_GPU_PRIMARY);
	close(fd);
}

static void wanted(int dir, const char *name)
{
	struct stat st;
	int fd;
	int r;

	if (is_name_only(dir, name)) {
		report_say("is there by name only");
		report_end(STATUS_FAIL, HINT_GPU_NAME_ONLY);
		return;
	}
	fd = node_open(dir, name, DRM_MAJOR, &st);
	if (fd == -ENOMSG)
		return;
	if (fd < 0) {
		failed("cannot be opened", -fd);
		return;
	}
	if (!misnamed(&st, false)) {
		r = say_driver(fd);
		if (r < 0)
			failed("does not name its driver", -r);
		else
			report_end(STATUS_OK, HINT_NONE);
	}
	close(fd);
}

static void no_directory(int err)
{
	report_begin(CHECK_GPU_RENDER, DRI);
	node_no_directory(err, "no GPU here", HINT_GPU_NO_DIRECTORY);
	report_skip(CHECK_GPU_PRIMARY, DRI, "no GPU here");
}

static void no_render_node(bool has_primary)
{
	report_begin(CHECK_GPU_RENDER, DRI);
	report_say(has_primary ? "has a primary node and no render node" : "is empty of GPUs");
	report_end(STATUS_FAIL, has_primary ? HINT_GPU_NO_RENDER : HINT_GPU_NO_NODES);
}

static void no_primary_node(bool is_wanted)
{
	report_begin(CHECK_GPU_PRIMARY, DRI);
	report_say(is_wanted ? "has no primary node" : "has no primary node, and none is needed");
	report_end(is_wanted ? STATUS_FAIL : STATUS_OK, is_wanted ? HINT_GPU_NO_NODES : HINT_NONE);
}

static bool is_render(const char *name)
{
	return name[0] == 'r';
}

void gpu_check(const struct probe *p)
{
	static const char *const words[2] = {"renderD", "card"};
	static struct node_names names;
	int dir = open(DRI, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned int renders = 0;
	bool has_primary = false;
	int r = dir < 0 ? -errno : node_list(dir, words, &names);

	if (r < 0) {
		no_directory(-r);
		return;
	}
	for (unsigned int i = 0; i < names.count; i++) {
		const char *name = names.at[i];
		char path[NODE_PATH];

		renders += is_render(name);
		has_primary |= !is_render(name) && !is_name_only(dir, name);
		if (i >= NODE_FINDINGS) {
			names.left_out++;
			continue;
		}
		node_path(DRI, name, path);
		report_begin(is_render(name) ? CHECK_GPU_RENDER : CHECK_GPU_PRIMARY, path);
		if (is_render(name))
			render(dir, name);
		else if (p->primary)
			wanted(dir, name);
		else
			unwanted(dir, name);
	}
	if (!renders)
		no_render_node(has_primary);
	if (renders == names.count)
		no_primary_node(p->primary);
	node_left_out(CHECK_GPU_RENDER, DRI, &names);
	close(dir);
}
