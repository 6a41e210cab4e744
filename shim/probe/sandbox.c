/* SPDX-License-Identifier: Apache-2.0 */
/* The confinement, as the kernel tells it of this process, which the shim started like the
 * application. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>

#include "groups.h"
#include "report.h"
#include "text.h"

/* Return: 0 with the text of /proc/self/status, or -errno. */
static int read_status(char *text, size_t size)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (len < size - 1 && (n = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	n = n < 0 ? -errno : 0;
	close(fd);
	text[len] = '\0';
	return (int)n;
}

static void unreadable(int err)
{
	report_say("/proc/self/status cannot be read");
	report_error(err);
	report_end(STATUS_FAIL, HINT_SANDBOX_UNREADABLE);
}

static void say_set(const char *what, uint64_t set)
{
	char hex[24];
	struct text t;

	text_begin(&t, hex, sizeof(hex));
	text_hex(&t, set);
	report_say(what);
	report_say(hex);
}

static void caps(const char *status)
{
	static const char *const sets[] = {"CapInh:", "CapPrm:", "CapEff:", "CapAmb:"};
	uint64_t bounding = 0;
	uint64_t held = 0;

	report_begin(CHECK_SANDBOX_CAPS, NULL);
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		uint64_t set;

		if (field_hex64(status, sets[i], &set) < 0) {
			unreadable(EBADMSG);
			return;
		}
		held |= set;
	}
	if (field_hex64(status, "CapBnd:", &bounding) < 0) {
		unreadable(EBADMSG);
	} else if (held) {
		say_set("holds capabilities: ", held);
		report_end(STATUS_FAIL, HINT_SANDBOX_CAPS);
	} else if (bounding) {
		say_set("holds none, but the bounding set is ", bounding);
		report_end(STATUS_FAIL, HINT_SANDBOX_BOUNDING);
	} else {
		report_say("none, and an empty bounding set");
		report_end(STATUS_OK, HINT_NONE);
	}
}

static void nnp(const char *status)
{
	const char *at = field_start(status, "NoNewPrivs:");
	uint32_t set;

	report_begin(CHECK_SANDBOX_NNP, NULL);
	if (!at || field_u32(&at, &set) < 0) {
		unreadable(EBADMSG);
		return;
	}
	report_say(set ? "no new privileges" : "new privileges can be had");
	report_end(set ? STATUS_OK : STATUS_FAIL, set ? HINT_NONE : HINT_SANDBOX_NNP);
}

static void seccomp(const char *status)
{
	const char *at = field_start(status, "Seccomp:");
	const char *filters = field_start(status, "Seccomp_filters:"); /* Linux 5.9 */
	uint32_t count;
	uint32_t mode;

	report_begin(CHECK_SANDBOX_SECCOMP, NULL);
	if (!at || field_u32(&at, &mode) < 0) {
		unreadable(EBADMSG);
		return;
	}
	if (mode != 2) {
		report_say("no system call filter");
		report_end(STATUS_WARN, HINT_SANDBOX_SECCOMP);
		return;
	}
	report_say("filtered");
	if (filters && field_u32(&filters, &count) == 0) {
		report_say(" by ");
		report_number(count);
		report_say(count == 1 ? " filter" : " filters");
	}
	report_end(STATUS_OK, HINT_NONE);
}

/*
 * The application's filter hides landlock_create_ruleset(2), so what counts is tried: opening what
 * only the mode opens. Return: 1 when something else denies it, 0 when it opens, -errno.
 */
static int denies(const char *path, int mode, int flags)
{
	int fd;

	if (faccessat(AT_FDCWD, path, mode, 0) < 0)
		return -errno;
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 1 : -errno;
	close(fd);
	return 0;
}

/* The shim opens these to the application only when told so, as by --ro=/. */
static int denies_reading(void)
{
	static const char *const closed[] = {"/", "/home", "/mnt", "/srv"};
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]) && r < 0; i++)
		r = denies(closed[i], R_OK | X_OK, O_RDONLY | O_DIRECTORY);
	return r;
}

/* A file that is each process's own wherever it runs, in a place that is to be read. */
static int denies_writing(void)
{
	return denies("/proc/self/comm", W_OK, O_WRONLY);
}

static void landlock(void)
{
	int writing = 0;
	int reading;

	report_begin(CHECK_SANDBOX_LANDLOCK, "/");
	reading = denies_reading();
	if (reading == 0)
		writing = denies_writing();
	if (reading < 0) {
		report_say("cannot be told: no directory that its mode alone would open");
		report_error(-reading);
		report_end(STATUS_SKIP, HINT_NONE);
	} else if (reading) {
		report_say("files that are not the application's business are closed");
		report_end(STATUS_OK, HINT_NONE);
	} else if (writing > 0) {
		report_say("reading is open everywhere (--ro=/), writing is not");
		report_end(STATUS_OK, HINT_NONE);
	} else if (writing < 0) {
		report_say("cannot be told: reading is open everywhere (--ro=/)");
		report_error(-writing);
		report_end(STATUS_SKIP, HINT_NONE);
	} else {
		report_say("not in force: every readable directory opens");
		report_end(STATUS_WARN, HINT_SANDBOX_LANDLOCK);
	}
}

/* Last: should it work, this process is in another user namespace. */
static void userns(void)
{
	int err;

	report_begin(CHECK_SANDBOX_USERNS, NULL);
	if (unshare(CLONE_NEWUSER) == 0) {
		report_say("user namespaces can be made");
		report_end(STATUS_WARN, HINT_SANDBOX_USERNS);
		return;
	}
	err = errno;
	report_say("user namespaces are denied");
	report_error(err);
	report_end(STATUS_OK, HINT_NONE);
}

void sandbox_check(const struct probe *p)
{
	static char status[16384]; /* its line of groups may be long */
	int r = read_status(status, sizeof(status));

	(void)p;
	if (r < 0) {
		report_begin(CHECK_SANDBOX_CAPS, "/proc/self/status");
		unreadable(-r);
	} else {
		caps(status);
		nnp(status);
		seccomp(status);
	}
	landlock();
	userns();
}
