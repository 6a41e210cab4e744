/* SPDX-License-Identifier: Apache-2.0 */
#include "tmpfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "sys.h"
#include "text.h"

#define STEP "tmpfs"
#define OPTIONS_SIZE 256

int tmpfs_mount(const char *path, const char *options)
{
	unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	char data[OPTIONS_SIZE];
	struct text t;

	text_begin(&t, data, sizeof(data));
	while (*options) {
		const char *comma = strchr(options, ',');
		size_t len = comma ? (size_t)(comma - options) : strlen(options);

		if (len == 4 && !strncmp(options, "exec", 4)) {
			flags &= ~(unsigned long)MS_NOEXEC;
		} else if (len) {
			char one[OPTIONS_SIZE];

			if (len >= sizeof(one))
				return -EINVAL;
			memcpy(one, options, len);
			one[len] = '\0';
			text_str(&t, t.len ? "," : "");
			text_str(&t, one);
		}
		options += len + (comma ? 1 : 0);
	}
	if (text_full(&t))
		return -EINVAL;
	return mount("tmpfs", path, "tmpfs", flags, data) < 0 ? -errno : 0;
}

/* mountinfo writes blanks, tabs, newlines and backslashes as \ooo, proc(5). */
static void unescape(char *s)
{
	char *out = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' &&
		    s[3] >= '0' && s[3] <= '7') {
			*out++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*out++ = *s++;
		}
	}
	*out = '\0';
}

/* Is the mount point of this mountinfo line (its fifth field) strictly below @path? */
static bool line_is_below(char *line, const char *path)
{
	size_t len = strlen(path);
	char *end;

	for (int i = 0; i < 4; i++) {
		line = strchr(line, ' ');
		if (!line)
			return false;
		line++;
	}
	end = strchr(line, ' ');
	if (end)
		*end = '\0';
	unescape(line);
	return !strncmp(line, path, len) && (path[len - 1] == '/' || line[len] == '/');
}

/* Return: 1 when something is mounted below @path, 0 when not, -errno. */
static int has_mounts_below(const char *path)
{
	char line[PATH_MAX];
	char chunk[1024];
	size_t len = 0;
	ssize_t n;
	int found = 0;
	int fd = sys_open("/proc/self/mountinfo", O_RDONLY);

	if (fd < 0)
		return fd;
	while (!found && (n = read(fd, chunk, sizeof(chunk))) > 0) {
		for (ssize_t i = 0; i < n && !found; i++) {
			if (chunk[i] != '\n') {
				/* The mount point stands early in the line; a longer
				 * tail may be cut. */
				if (len + 1 < sizeof(line))
					line[len++] = chunk[i];
				continue;
			}
			line[len] = '\0';
			len = 0;
			found = line_is_below(line, path);
		}
	}
	if (n < 0)
		found = -errno;
	close(fd);
	return found;
}

static bool is_own_tmpfs(const char *path)
{
	char parent[PATH_MAX + 4];
	struct stat here, above;
	struct statfs fs;
	struct text t;

	text_begin(&t, parent, sizeof(parent));
	text_str(&t, path);
	text_str(&t, "/..");
	return statfs(path, &fs) == 0 && fs.f_type == TMPFS_MAGIC && stat(path, &here) == 0 &&
	       stat(parent, &above) == 0 && here.st_dev != above.st_dev;
}

int tmpfs_private(const char *spec, struct finding *f)
{
	const char *colon = strchr(spec, ':');
	size_t len = colon ? (size_t)(colon - spec) : strlen(spec);
	char path[PATH_MAX];
	int r;

	while (len > 1 && spec[len - 1] == '/')
		len--;
	if (len >= sizeof(path) || len < 2)
		return finding_set(f, EXIT_SETUP, STEP, len < 2 ? EINVAL : ENAMETOOLONG,
				   "cannot mount over", spec, "name a directory below /");
	memcpy(path, spec, len);
	path[len] = '\0';

	if (is_own_tmpfs(path))
		return 0;
	r = has_mounts_below(path);
	if (r > 0)
		return finding_set(f, EXIT_SETUP, STEP, EBUSY, "other mounts would vanish below",
				   path, "choose a directory without mounts, or drop --tmpfs");
	if (!r)
		r = tmpfs_mount(path, colon ? colon + 1 : "");
	if (r < 0)
		return finding_set(f, EXIT_SETUP, STEP, -r, "cannot mount on", spec,
				   r == -EINVAL	 ? "tmpfs(5) lists the options"
				   : r == -EPERM ? "CAP_SYS_ADMIN of the container is needed"
						 : "the directory must exist in the image");
	log_info(STEP, "mounted on", path);
	return 0;
}
