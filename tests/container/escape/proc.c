/* SPDX-License-Identifier: Apache-2.0 */
/* Switches of the kernel that are files: /proc/sys, /sys, cgroups. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"

/* Writes what the file holds already, so that a failed block changes nothing. */
static void write_same(struct run *r)
{
	const char *path = r->attempt->text;
	char old[4096];
	ssize_t n = slurp(path, old, sizeof(old));
	long fd = call(r, SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && r->err == ENOENT)
		skip(r, "there is no %s", path);
	if (fd < 0)
		refused_path(r, path, W_OK);
	if (call(r, SYS_write, fd, old, n > 0 ? n : 1) < 0)
		refused(r);
	reached(r, "%s was written", path);
}

/* Files whose opening for writing is proof enough: a write would act at once. */
static void open_to_write(struct run *r)
{
	const char *path = r->attempt->text;
	long fd = call(r, SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && r->err == ENOENT)
		skip(r, "there is no %s", path);
	if (fd < 0)
		refused_path(r, path, W_OK);
	reached(r, "%s is open for writing", path);
}

static void read_some(struct run *r)
{
	const char *path = r->attempt->text;
	char buf[64];
	long fd = call(r, SYS_openat, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct statfs fs;
	long n;

	if (fd < 0 && r->err == ENOENT)
		skip(r, "there is no %s", path);
	if (fd < 0)
		refused_path(r, path, R_OK);
	/* lxcfs puts a file of the container's own figures in its place. */
	if (fstatfs((int)fd, &fs) == 0 && fs.f_type == FUSE_SUPER_MAGIC)
		blocked(r, "lxcfs: %s is not the kernel's", path);
	n = call(r, SYS_read, fd, buf, sizeof(buf));
	if (n < 0)
		refused(r);
	if (n == 0)
		blocked(r, "the kernel: it reads as empty");
	reached(r, "%ld bytes of %s", n, path);
}

struct sweep {
	int seen, writable;
	char first[160];
};

/* Some can be opened by all, and look at who it is when written to: write what is there. */
static bool takes_a_write(const char *path, int fd)
{
	char old[4096];
	ssize_t n = slurp(path, old, sizeof(old));

	return n > 0 && write(fd, old, (size_t)n) == n;
}

/* Every file below: may it be written? */
static void sweep_directory(struct sweep *s, const char *path, int depth)
{
	DIR *d = opendir(path);
	struct dirent *e;

	if (!d)
		return;
	/* cppcheck-suppress readdirCalled */
	while ((e = readdir(d))) {
		char name[512];
		int fd;

		if (e->d_name[0] == '.' ||
		    snprintf(name, sizeof(name), "%s/%s", path, e->d_name) >= (int)sizeof(name))
			continue;
		if (e->d_type == DT_DIR && depth < 8) {
			sweep_directory(s, name, depth + 1);
			continue;
		}
		if (e->d_type != DT_REG)
			continue;
		s->seen++;
		if (faccessat(AT_FDCWD, name, W_OK, AT_EACCESS) < 0)
			continue;
		fd = open(name, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (takes_a_write(name, fd) && !s->writable++)
			(void)snprintf(s->first, sizeof(s->first), "%.150s", name);
		close(fd);
	}
	closedir(d);
}

static void sweep(struct run *r)
{
	struct sweep s = {0};

	sweep_directory(&s, r->attempt->text, 0);
	if (!s.seen)
		skip(r, "%s is not there", r->attempt->text);
	if (s.writable)
		reached(r, "%d of %d files can be written, %s the first", s.writable, s.seen,
			s.first);
	blocked(r, "file mode: none of %d files can be written", s.seen);
}

/* Addresses of the kernel, as far as they are not hidden. */
static void addresses(struct run *r)
{
	char buf[128];
	ssize_t n = slurp(r->attempt->text, buf, sizeof(buf));

	if (n < 0)
		blocked(r, "%s", errno_name((int)-n));
	if (strtoull(buf, NULL, 16) != 0)
		reached(r, "%.16s", buf);
	blocked(r, "the kernel: addresses read as 0");
}

static void map_ids(struct run *r)
{
	long fd = call(r, SYS_openat, AT_FDCWD, r->attempt->text, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || call(r, SYS_write, fd, "0 0 1", 5) < 0)
		refused(r);
	reached(r, "the id map is changed");
}

static void lower_oom(struct run *r)
{
	long fd = call(r, SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || call(r, SYS_write, fd, "-1000", 5) < 0)
		refused(r);
	reached(r, "never killed when memory is short");
}

static void move_cgroup(struct run *r)
{
	static const char *const files[] = {
		"/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/unified/cgroup.procs",
		"/sys/fs/cgroup/systemd/cgroup.procs", "/sys/fs/cgroup/memory/cgroup.procs"};
	bool any = false;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		long fd;

		if (access(files[i], F_OK) < 0)
			continue;
		any = true;
		fd = call(r, SYS_openat, AT_FDCWD, files[i], O_WRONLY | O_CLOEXEC);
		if (fd >= 0 && call(r, SYS_write, fd, "0", 1) == 1)
			reached(r, "moved to the root of a cgroup hierarchy by %s", files[i]);
	}
	if (!any)
		skip(r, "no cgroup hierarchy is mounted");
	refused(r);
}

static void make_cgroup(struct run *r)
{
	static const char *const dirs[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified",
					   "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/memory"};

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		char path[80];

		(void)snprintf(path, sizeof(path), "%s/escape-%d", dirs[i], (int)getpid());
		if (call(r, SYS_mkdirat, AT_FDCWD, path, 0755) == 0) {
			(void)rmdir(path);
			reached(r, "made %s", path);
		}
		if (r->err != ENOENT)
			refused(r);
	}
	skip(r, "no cgroup hierarchy is mounted");
}

static void cgroup_file(struct run *r)
{
	char path[96];
	bool any = false;

	for (int i = 0; i < 3; i++) {
		static const char *const dirs[] = {"", "/memory", "/systemd"};
		long fd;

		(void)snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", dirs[i],
			       r->attempt->text);
		any |= access(path, F_OK) == 0;
		fd = call(r, SYS_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
		if (fd >= 0)
			reached(r, "%s is open for writing", path);
	}
	if (!any)
		skip(r, "there is no %s", r->attempt->text);
	refused(r);
}

#define WRITE(name, path)                                                  \
	{                                                                  \
		"proc." name, "write " path, write_same, 0, path, BLOCK, 0 \
	}
#define ACT(name, path)                                                                  \
	{                                                                                \
		"proc." name, "open " path " to write", open_to_write, 0, path, BLOCK, 0 \
	}
#define READ(name, path)                                                 \
	{                                                                \
		"proc." name, "read " path, read_some, 0, path, BLOCK, 0 \
	}

const struct attempt attempts_proc[] = {
	WRITE("core_pattern", "/proc/sys/kernel/core_pattern"),
	WRITE("modprobe", "/proc/sys/kernel/modprobe"),
	WRITE("hotplug", "/sys/kernel/uevent_helper"),
	WRITE("randomize", "/proc/sys/kernel/randomize_va_space"),
	WRITE("panic", "/proc/sys/kernel/panic_on_oops"),
	WRITE("shmmax", "/proc/sys/kernel/shmmax"),
	WRITE("hostname", "/proc/sys/kernel/hostname"),
	WRITE("ns_last_pid", "/proc/sys/kernel/ns_last_pid"),
	WRITE("userns-limit", "/proc/sys/user/max_user_namespaces"),
	WRITE("overcommit", "/proc/sys/vm/overcommit_memory"),
	WRITE("mmap_min_addr", "/proc/sys/vm/mmap_min_addr"),
	WRITE("suid_dumpable", "/proc/sys/fs/suid_dumpable"),
	WRITE("ip_forward", "/proc/sys/net/ipv4/ip_forward"),
	WRITE("low-ports", "/proc/sys/net/ipv4/ip_unprivileged_port_start"),
	ACT("sysrq", "/proc/sysrq-trigger"),
	ACT("binfmt", "/proc/sys/fs/binfmt_misc/register"),
	ACT("kpagecount", "/proc/kpagecount"),
	ACT("power", "/sys/power/state"),
	ACT("pci-rescan", "/sys/bus/pci/rescan"),
	ACT("debugfs", "/sys/kernel/debug/sched/features"),
	ACT("tracefs", "/sys/kernel/tracing/kprobe_events"),
	ACT("efivars", "/sys/firmware/efi/efivars"),
	READ("kcore", "/proc/kcore"),
	READ("kmsg", "/proc/kmsg"),
	READ("slabinfo", "/proc/slabinfo"),
	READ("vmallocinfo", "/proc/vmallocinfo"),
	READ("pagetypeinfo", "/proc/pagetypeinfo"),
	{"proc.kallsyms", "addresses in /proc/kallsyms", addresses, 0, "/proc/kallsyms", BLOCK, 0},
	{"proc.sweep-sys", "write any file of /proc/sys", sweep, 0, "/proc/sys", BLOCK, 0},
	{"proc.sweep-sysfs", "write any file of /sys", sweep, 0, "/sys", BLOCK, 0},
	{"proc.uid_map", "write its own uid_map", map_ids, 0, "/proc/self/uid_map", BLOCK, 0},
	{"proc.gid_map", "write its own gid_map", map_ids, 0, "/proc/self/gid_map", BLOCK, 0},
	{"proc.oom", "lower its own oom_score_adj", lower_oom, 0, NULL, BLOCK, 0},
	{"cgroup.move", "leave its cgroup", move_cgroup, 0, NULL, BLOCK, 0},
	{"cgroup.make", "make a cgroup", make_cgroup, 0, NULL, BLOCK, 0},
	{"cgroup.release_agent", "release_agent", cgroup_file, 0, "release_agent", BLOCK, 0},
	{"cgroup.devices", "devices.allow", cgroup_file, 0, "devices.allow", BLOCK, 0},
	{"cgroup.limit", "its own memory limit", cgroup_file, 0, "memory.max", BLOCK, 0},
	{0},
};
