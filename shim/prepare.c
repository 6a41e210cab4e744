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

#include "path.h"
#include "sys.h"
#include "text.h"
#include "tmpfs.h"

#define STEP "prepare"

/* Chromium needs 16 MiB to render at all, 64 to be safe; pages count
 * against the container's memory limit only when they are used. */
#define SHM_OPTIONS "mode=1777,size=256m"
#define SHM_LEAST_MIB 64

static int need_proc(struct finding *f)
{
	struct statfs fs;
	char self[16];
	uint32_t pid;
	ssize_t n;

	if (statfs("/proc/self", &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return finding_set(f, EXIT_SETUP, STEP, 0, "/proc is not mounted", NULL,
				   "confinement is verified by it: mount -t proc proc /proc");
	/* Numbers of another pid namespace would lead to other processes. */
	n = readlink("/proc/self", self, sizeof(self) - 1);
	self[n < 0 ? 0 : n] = '\0';
	if (parse_u32(self, INT32_MAX, &pid) == 0 && (pid_t)pid == getpid())
		return 0;
	return finding_set(f, EXIT_SETUP, STEP, 0, "/proc belongs to another pid namespace", NULL,
			   "mount one of this namespace: mount -t proc proc /proc");
}

static int make_shm(void)
{
	bool created;
	int r = path_make_directory("/dev/shm", 0, 0, 01777, &created);
	int fd;

	if (r < 0)
		return r;
	fd = path_open("/dev/shm");
	if (fd < 0)
		return fd;
	r = tmpfs_mount(fd, SHM_OPTIONS, "");
	close(fd);
	return r;
}

/* With too little, pages stay blank and nobody says why. No blocks: there is no limit. */
static void warn_of_small_shm(void)
{
	struct statfs fs;

	if (statfs("/dev/shm", &fs) == 0 && fs.f_blocks &&
	    ((uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize) >> 20 < SHM_LEAST_MIB)
		log_warn(STEP, 0, "less than 64 MiB on", "/dev/shm",
			 "browsers render nothing then: raise the size of that mount");
}

static void prepare_shm(void)
{
	struct stat dev, shm;
	int r;

	/* A directory on the container's /dev will not do: that is a tmpfs of half a
	 * megabyte in Incus. Any mount of its own is somebody's decision. */
	if (sys_stat("/dev/shm", &shm) == 0 && sys_stat("/dev", &dev) == 0 &&
	    shm.st_dev != dev.st_dev) {
		warn_of_small_shm();
		return;
	}
	r = make_shm();
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
	bool created;
	int r;

	if (sys_stat("/tmp", &st) == 0 && S_ISDIR(st.st_mode)) {
		/* Only root's own: another's directory is not ours to open. */
		if ((st.st_mode & 01777) == 01777 || st.st_uid != 0)
			return;
		r = chmod("/tmp", 01777) < 0 ? -errno : 0;
	} else {
		r = path_make_directory("/tmp", 0, 0, 01777, &created);
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
	bool created;
	int r;

	if (sys_stat(a->home, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == a->uid)
		return;
	r = path_make_directory(a->home, a->uid, a->gid, 0700, &created);
	if (r < 0)
		log_warn(STEP, -r, "cannot create the home directory", a->home,
			 "create it in the image, or --tmpfs over its parent");
	else if (created)
		log_info(STEP, "created", a->home);
	else
		log_warn(STEP, 0, "does not belong to the application's user:", a->home,
			 "settings will not be kept: chown it, or name another home");
}

void runtime_dir_name(const struct account *a, struct runtime_dir *rd)
{
	struct text t;

	rd->has_bus = false;
	text_begin(&t, rd->path, sizeof(rd->path));
	text_str(&t, "/run/user/");
	text_num(&t, a->uid);
}

static bool is_private(const char *path, const struct account *a)
{
	struct stat st;

	return sys_lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == a->uid &&
	       (st.st_mode & 0777) == 0700;
}

static void prepare_runtime_dir(const struct account *a, struct runtime_dir *rd)
{
	struct stat st;
	struct text t;
	char bus[80];
	bool created;
	int r = 0;

	runtime_dir_name(a, rd);
	if (!is_private(rd->path, a)) {
		r = path_make_directory(rd->path, a->uid, a->gid, 0700, &created);
		if (!r && !is_private(rd->path, a))
			r = -EPERM;
	}
	if (r) {
		log_warn(STEP, -r, "no private directory of the application at", rd->path,
			 "it must be the user's own with mode 0700; on a read-only root: "
			 "--tmpfs=/run");
		rd->path[0] = '\0';
		return;
	}
	text_begin(&t, bus, sizeof(bus));
	text_str(&t, rd->path);
	text_str(&t, "/bus");
	rd->has_bus = sys_stat(bus, &st) == 0 && S_ISSOCK(st.st_mode);
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
		r = tmpfs_private(o->tmpfs[i], a, f);
	if (r < 0)
		return r;
	prepare_shm();
	prepare_tmp();
	prepare_home(a);
	prepare_runtime_dir(a, rd);
	prepare_loopback();
	return 0;
}
