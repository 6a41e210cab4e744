/* SPDX-License-Identifier: Apache-2.0 */
#include "prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "sys.h"
#include "text.h"
#include "tmpfs.h"

#define STEP "prepare"

/* facts: Chromium needs 16 MiB to render at all, 64 to be safe; pages count
 * against the container's memory limit only when they are used. */
#define SHM_OPTIONS "mode=1777,size=256m"

static int need_proc(struct finding *f)
{
	struct statfs fs;

	if (statfs("/proc/self", &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC)
		return 0;
	return finding_set(f, EXIT_SETUP, STEP, 0, "/proc is not mounted", NULL,
			   "confinement is verified by it: mount -t proc proc /proc");
}

/*
 * Create a directory and its missing parents; the last one gets owner and mode.
 * One that exists is left as it is. All is done through descriptors that do not
 * follow symbolic links, and the owner is changed only on what was created here.
 */
static int create_directory(const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	char part[256];
	const char *at = path;
	int dir = sys_open("/", O_PATH | O_DIRECTORY);
	int r = 0;

	while (dir >= 0 && *at) {
		const char *slash;
		size_t len;
		bool last;
		bool created;
		int next;

		while (*at == '/')
			at++;
		if (!*at)
			break;
		slash = strchr(at, '/');
		len = slash ? (size_t)(slash - at) : strlen(at);
		last = !slash || !slash[strspn(slash, "/")];
		if (len >= sizeof(part)) {
			r = -ENAMETOOLONG;
			break;
		}
		memcpy(part, at, len);
		part[len] = '\0';
		at += len;

		created = mkdirat(dir, part, last ? 0700 : 0755) == 0;
		if (!created && errno != EEXIST) {
			r = -errno;
			break;
		}
		/* Parents may be links that the image's maker set (/var/run). */
		next = openat(dir, part,
			      O_DIRECTORY | O_CLOEXEC | (last ? O_RDONLY | O_NOFOLLOW : O_PATH));
		if (next < 0) {
			r = -errno;
			break;
		}
		close(dir);
		dir = next;
		if (last && created && (fchown(dir, uid, gid) < 0 || fchmod(dir, mode) < 0)) {
			r = -errno;
			break;
		}
	}
	if (dir < 0)
		return dir;
	close(dir);
	return r;
}

static void prepare_shm(void)
{
	struct stat dev, shm;
	struct statfs fs;
	int r;

	if (stat("/dev/shm", &shm) == 0 && stat("/dev", &dev) == 0 && shm.st_dev != dev.st_dev &&
	    statfs("/dev/shm", &fs) == 0 && fs.f_type == TMPFS_MAGIC)
		return;
	/* A directory on the container's /dev will not do: that is a tmpfs of half a
	 * megabyte in Incus. */
	r = create_directory("/dev/shm", 0, 0, 01777);
	if (!r)
		r = tmpfs_mount("/dev/shm", SHM_OPTIONS);
	if (r)
		log_warn(STEP, -r, "cannot mount", "/dev/shm",
			 "browsers need it: lxc.mount.entry = tmpfs dev/shm tmpfs "
			 "mode=1777,size=256m,create=dir 0 0");
	else
		log_info(STEP, "mounted", "/dev/shm");
}

static void prepare_tmp(void)
{
	struct stat st;
	int r;

	if (stat("/tmp", &st) == 0 && S_ISDIR(st.st_mode)) {
		if ((st.st_mode & 01777) == 01777)
			return;
		r = chmod("/tmp", 01777) < 0 ? -errno : 0;
	} else {
		r = create_directory("/tmp", 0, 0, 01777);
	}
	if (r)
		log_warn(STEP, -r, "cannot make world-writable and sticky:", "/tmp",
			 "--tmpfs=/tmp, or correct the image");
	else
		log_info(STEP, "made sticky", "/tmp");
}

static void prepare_home(const struct account *a)
{
	struct stat st;
	int r;

	if (stat(a->home, &st) == 0) {
		if (S_ISDIR(st.st_mode) && st.st_uid == a->uid)
			return;
		log_warn(STEP, 0, "does not belong to the application's user:", a->home,
			 "settings will not be kept: chown it, or name another home");
		return;
	}
	r = create_directory(a->home, a->uid, a->gid, 0700);
	if (r)
		log_warn(STEP, -r, "cannot create the home directory", a->home,
			 "create it in the image, or --tmpfs over its parent");
	else
		log_info(STEP, "created", a->home);
}

static void prepare_runtime_dir(const struct account *a, struct runtime_dir *rd)
{
	struct stat st;
	struct text t;
	char bus[80];
	int r;

	text_begin(&t, rd->path, sizeof(rd->path));
	text_str(&t, "/run/user/");
	text_num(&t, a->uid);

	r = create_directory(rd->path, a->uid, a->gid, 0700);
	if (!r && stat(rd->path, &st) < 0)
		r = -errno;
	if (!r && (st.st_uid != a->uid || (st.st_mode & 0777) != 0700))
		r = -EPERM;
	if (r) {
		log_warn(STEP, -r, "no private directory of the application at", rd->path,
			 "it must be the user's own with mode 0700; on a read-only root: "
			 "--tmpfs=/run:mode=0755");
		rd->path[0] = '\0';
		return;
	}
	text_begin(&t, bus, sizeof(bus));
	text_str(&t, rd->path);
	text_str(&t, "/bus");
	rd->has_bus = stat(bus, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* It is down in an instance without a NIC, and Stremio's server listens on it. */
static void prepare_loopback(void)
{
	struct ifreq req = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : 0;

	if (!r && ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		r = -errno;
	if (!r && (req.ifr_flags & IFF_UP)) {
		close(fd);
		return;
	}
	if (!r) {
		req.ifr_flags |= IFF_UP;
		if (ioctl(fd, SIOCSIFFLAGS, &req) < 0)
			r = -errno;
	}
	if (fd >= 0)
		close(fd);
	if (r)
		log_warn(STEP, -r, "cannot bring up the loopback interface", NULL,
			 "give the instance a NIC: incus config device add NAME eth0 nic "
			 "nictype=p2p");
	else
		log_info(STEP, "brought up the loopback interface", NULL);
}

int prepare(const struct options *o, const struct account *a, struct runtime_dir *rd,
	    struct finding *f)
{
	int r = need_proc(f);

	memset(rd, 0, sizeof(*rd));
	for (size_t i = 0; r == 0 && i < o->tmpfs_count; i++)
		r = tmpfs_private(o->tmpfs[i], f);
	if (r < 0)
		return r;
	prepare_shm();
	prepare_tmp();
	prepare_home(a);
	prepare_runtime_dir(a, rd);
	prepare_loopback();
	return 0;
}
