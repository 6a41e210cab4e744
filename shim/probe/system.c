/* SPDX-License-Identifier: Apache-2.0 */
/* What every desktop application takes for granted and a bare container lacks. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "groups.h"
#include "report.h"

#define SHM "/dev/shm"
#define MIB (1024ull * 1024)
#define SHM_ENOUGH (64 * MIB) /* what Chromium's renderers want; Docker's default */
#define SHM_LEAST (16 * MIB)  /* below, a single video frame or two fill it */
#define HOME_ENOUGH (64 * MIB)

/* A file without a name in a directory, which a crash cannot leave behind. Return: as open(2). */
static int nameless_file(const char *dir)
{
	return open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Return: 0 when this process can make files there, else -errno. */
static int writable(const char *dir)
{
	int fd = nameless_file(dir);
	int err = errno;

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	/* Not every file system has such files (open(2)); then the modes must do. */
	if (err == EOPNOTSUPP || err == EISDIR || err == ENOENT)
		return faccessat(AT_FDCWD, dir, W_OK | X_OK, 0) < 0 ? -errno : 0;
	return -err;
}

static bool maps_executable(int fd)
{
	void *page = MAP_FAILED;

	if (ftruncate(fd, 4096) == 0)
		page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		return false;
	munmap(page, 4096);
	return true;
}

static void say_mib(uint64_t bytes)
{
	report_number(bytes / MIB);
	report_say(" MiB");
}

static void shm_file(uint64_t size, bool is_tmpfs)
{
	int fd = nameless_file(SHM);
	bool exec;

	if (fd < 0) {
		int err = errno;

		report_say("cannot be written to");
		report_error(err);
		report_end(STATUS_FAIL, err == EROFS ? HINT_SHM_READ_ONLY : HINT_SHM_UNWRITABLE);
		return;
	}
	exec = maps_executable(fd);
	close(fd);
	if (size == UINT64_MAX)
		report_say("no limit");
	else
		say_mib(size);
	report_say(is_tmpfs ? ", tmpfs" : ", no tmpfs");
	report_say(exec ? ", exec" : ", noexec");
	if (!is_tmpfs)
		report_end(STATUS_WARN, HINT_SHM_NOT_TMPFS);
	else if (size < SHM_LEAST)
		report_end(STATUS_FAIL, HINT_SHM_SMALL);
	else if (size < SHM_ENOUGH)
		report_end(STATUS_WARN, HINT_SHM_SMALL);
	else
		report_end(STATUS_OK, HINT_NONE);
}

static void shm(void)
{
	struct statfs fs;

	report_begin(CHECK_SHM, SHM);
	if (statfs(SHM, &fs) < 0) {
		report_say("not there");
		report_error(errno);
		report_end(STATUS_FAIL, HINT_SHM_NONE);
		return;
	}
	/* A tmpfs of size 0 has no limit but the machine's (tmpfs(5)). */
	shm_file(fs.f_blocks ? fs.f_blocks * (uint64_t)fs.f_bsize : UINT64_MAX,
		 fs.f_type == TMPFS_MAGIC);
}

static void say_owner(const struct stat *st)
{
	report_number(st->st_uid);
	report_say(":");
	report_number(st->st_gid);
	report_say(" ");
	report_octal(st->st_mode);
}

/* A directory that a variable names. Return: false when the finding has been ended. */
static bool directory(const char *path, struct stat *st, enum hint none)
{
	int r = stat(path, st) < 0 ? -errno : S_ISDIR(st->st_mode) ? 0 : -ENOTDIR;

	if (r == 0)
		return true;
	report_say(r == -ENOENT ? "not there" : "cannot be used");
	report_error(-r);
	report_end(STATUS_FAIL, r == -ENOENT ? none : HINT_DIRECTORY_CLOSED);
	return false;
}

static void runtime_dir(void)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	int r;

	report_begin(CHECK_RUNTIME_DIR, path);
	if (!path || path[0] != '/') {
		report_say(path ? "XDG_RUNTIME_DIR is no absolute path"
				: "XDG_RUNTIME_DIR is not set");
		report_end(STATUS_WARN, HINT_RUNTIME_UNSET);
		return;
	}
	if (!directory(path, &st, HINT_RUNTIME_NONE))
		return;
	r = writable(path);
	say_owner(&st);
	if (st.st_uid != geteuid()) {
		report_say(", not the application's own");
		report_end(STATUS_FAIL, HINT_RUNTIME_OWNER);
	} else if (r < 0) {
		report_say(", cannot be written to");
		report_error(-r);
		report_end(STATUS_FAIL,
			   r == -EACCES ? HINT_RUNTIME_CLOSED : HINT_RUNTIME_UNWRITABLE);
	} else if (st.st_mode & 077) {
		report_say(", open to others");
		report_end(STATUS_WARN, HINT_RUNTIME_MODE);
	} else {
		report_end(STATUS_OK, HINT_NONE);
	}
}

static void home(void)
{
	const char *path = getenv("HOME");
	struct statvfs fs;
	struct stat st;
	uint64_t left;
	int r;

	report_begin(CHECK_HOME, path);
	if (!path || path[0] != '/') {
		report_say(path ? "HOME is no absolute path" : "HOME is not set");
		report_end(STATUS_FAIL, HINT_HOME_UNSET);
		return;
	}
	if (!directory(path, &st, HINT_HOME_NONE))
		return;
	r = writable(path);
	if (r < 0) {
		report_say("cannot be written to");
		report_error(-r);
		report_end(STATUS_FAIL,
			   r == -ENOSPC || r == -EDQUOT ? HINT_HOME_FULL : HINT_HOME_UNWRITABLE);
		return;
	}
	left = statvfs(path, &fs) < 0 ? UINT64_MAX : fs.f_bavail * (uint64_t)fs.f_frsize;
	say_owner(&st);
	/* No more than that: it changes all the time, and --watch tells of changes. */
	report_say(left < HOME_ENOUGH ? ", " : ", at least ");
	say_mib(left < HOME_ENOUGH ? left : HOME_ENOUGH);
	report_say(" free");
	if (st.st_uid != geteuid())
		report_end(STATUS_WARN, HINT_HOME_OWNER);
	else if (left < HOME_ENOUGH)
		report_end(STATUS_WARN, HINT_HOME_FULL);
	else
		report_end(STATUS_OK, HINT_NONE);
}

void system_prepare(struct probe *p)
{
	p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	p->client = p->listener < 0
			    ? -1
			    : socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	p->socket_err = p->client < 0 ? errno : 0;
}

/* A connection to itself, as the application's web page makes to its streaming server. */
static int connect_to_self(const struct probe *p)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct pollfd client = {.fd = p->client, .events = POLLOUT};
	socklen_t len = sizeof(a);
	int err = 0;

	if (p->client < 0)
		return -p->socket_err;
	if (bind(p->listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(p->listener, 1) < 0 ||
	    getsockname(p->listener, (struct sockaddr *)&a, &len) < 0)
		return -errno;
	if (connect(p->client, (struct sockaddr *)&a, sizeof(a)) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	/* Half of what is left: what is dropped by a filter never answers. */
	if (poll(&client, 1, report_left_ms() / 2) != 1)
		return -ETIMEDOUT;
	len = sizeof(err);
	return getsockopt(p->client, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? -errno : -err;
}

static void loopback(const struct probe *p)
{
	int r;

	report_begin(CHECK_LOOPBACK, "127.0.0.1");
	r = connect_to_self(p);
	if (r == 0) {
		report_say("up");
		report_end(STATUS_OK, HINT_NONE);
		return;
	}
	/* An interface that is down leaves no route (ip(7)). */
	report_say(r == -ENETUNREACH || r == -EADDRNOTAVAIL ? "the loopback interface is down"
							    : "does not connect");
	report_error(-r);
	report_end(STATUS_FAIL, r == -ENETUNREACH || r == -EADDRNOTAVAIL ? HINT_LOOPBACK_DOWN
									 : HINT_LOOPBACK_FILTERED);
}

void system_check(const struct probe *p)
{
	shm();
	runtime_dir();
	home();
	loopback(p);
}
