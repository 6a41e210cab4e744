/* SPDX-License-Identifier: Apache-2.0 */
#include "tmpfs.h"

#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "path.h"
#include "sys.h"
#include "text.h"

#define STEP "tmpfs"
#define OPTIONS_SIZE 256

/* Take `exec` out of the options, the only one that is a flag of the mount. */
static int collect(const char *options, struct text *data, unsigned long *flags)
{
	while (*options) {
		size_t len = strcspn(options, ",");
		char one[OPTIONS_SIZE];

		if (len >= sizeof(one))
			return -EINVAL;
		memcpy(one, options, len);
		one[len] = '\0';
		if (!strcmp(one, "exec")) {
			*flags &= ~(unsigned long)MS_NOEXEC;
		} else if (len) {
			text_str(data, data->len ? "," : "");
			text_str(data, one);
		}
		options += len + (options[len] ? 1 : 0);
	}
	return text_full(data) ? -EINVAL : 0;
}

int tmpfs_mount(int fd, const char *defaults, const char *options)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char data[OPTIONS_SIZE];
	char target[32];
	struct text t;
	int r = path_mounts_below(fd);

	if (r)
		return r < 0 ? r : -EBUSY;
	text_begin(&t, data, sizeof(data));
	r = collect(defaults, &t, &flags);
	if (!r)
		r = collect(options, &t, &flags);
	if (r < 0)
		return r;
	/* Through the descriptor: the path may lead elsewhere by now. */
	text_begin(&t, target, sizeof(target));
	text_str(&t, "/proc/self/fd/");
	text_num(&t, (uint64_t)fd);
	return mount("tmpfs", target, "tmpfs", flags, data) < 0 ? -errno : 0;
}

static bool is_own_tmpfs(int fd)
{
	struct stat here, above;
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC && sys_fstat(fd, &here) == 0 &&
	       sys_fstatat(fd, "..", &above, 0) == 0 && here.st_dev != above.st_dev;
}

int tmpfs_path(const char *spec, char *path, unsigned long size)
{
	size_t len = strcspn(spec, ":");

	while (len > 0 && spec[len - 1] == '/')
		len--;
	if (!len)
		return -EINVAL;
	if (len >= size)
		return -ENAMETOOLONG;
	memcpy(path, spec, len);
	path[len] = '\0';
	return 0;
}

static void default_options(struct text *t, const char *path, const struct account *a)
{
	if (!path_is_at_or_below(path, a->home)) {
		text_str(t, "mode=0755");
		return;
	}
	text_str(t, "mode=0700,uid=");
	text_num(t, a->uid);
	text_str(t, ",gid=");
	text_num(t, a->gid);
}

static const char *remedy(int err)
{
	switch (err) {
	case EBUSY:
		return "other mounts below it would vanish: choose a directory without any";
	case EINVAL:
		return "tmpfs(5) lists the options; the path is a directory below /";
	case EPERM:
		return "CAP_SYS_ADMIN of the container is needed";
	case ELOOP:
		return "a symbolic link that is not root's is not followed";
	default:
		return "the directory must exist in the image";
	}
}

static int mount_private(const char *spec, const struct account *a)
{
	const char *colon = strchr(spec, ':');
	char path[PATH_MAX];
	char defaults[64];
	struct text t;
	int fd;
	int r = tmpfs_path(spec, path, sizeof(path));

	if (r < 0)
		return r;
	fd = path_open(path);
	if (fd < 0)
		return fd;
	if (!is_own_tmpfs(fd)) {
		text_begin(&t, defaults, sizeof(defaults));
		default_options(&t, path, a);
		r = tmpfs_mount(fd, defaults, colon ? colon + 1 : "");
	}
	close(fd);
	return r;
}

int tmpfs_private(const char *spec, const struct account *a, struct finding *f)
{
	int r = mount_private(spec, a);

	if (r < 0)
		return finding_set(f, EXIT_SETUP, STEP, -r, "cannot mount on", spec, remedy(-r));
	log_info(STEP, "mounted on", spec);
	return 0;
}
