/* SPDX-License-Identifier: Apache-2.0 */
#include "verify.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "sys.h"
#include "text.h"

#define STEP "verify"
#define SECCOMP_MODE_FILTER_VALUE 2 /* "Seccomp:" of proc(5) */

static int differs(struct finding *f, const char *field)
{
	return finding_set(f, EXIT_CONFINE, STEP, EPERM, "the kernel does not confirm", field,
			   "nothing was started; report this with `uname -r`");
}

static int unreadable(struct finding *f, int err)
{
	return finding_set(f, EXIT_CONFINE, STEP, err, "cannot read", "/proc/self/status",
			   "mount /proc in the container");
}

static int read_status(int fd, char *buf, size_t size, struct finding *f)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	if (n <= 0)
		return unreadable(f, n ? errno : EIO);
	buf[n] = '\0';
	return 0;
}

int verify_open(struct expectation *e, struct finding *f)
{
	char status[VERIFY_STATUS_SIZE];
	const char *at;
	int fd = sys_open("/proc/self/status", O_RDONLY);
	int r;

	if (fd < 0)
		return unreadable(f, -fd);
	r = read_status(fd, status, sizeof(status), f);
	if (r < 0) {
		close(fd);
		return r;
	}
	/* The count is there from Linux 5.9 on. */
	e->filters_before = 0;
	at = field_start(status, "Seccomp_filters:");
	if (at)
		(void)field_u32(&at, &e->filters_before);
	if (field_hex64(status, "SigIgn:", &e->ignored) < 0) {
		close(fd);
		return differs(f, "ignored signals");
	}
	if (field_hex64(status, "CapBnd:", &e->bounding_before) < 0) {
		close(fd);
		return differs(f, "bounding set");
	}
	return fd;
}

/* "Uid:" and "Gid:" hold the real, effective, saved and file system ids. */
static bool ids_are(const char *status, const char *field, uint32_t id)
{
	const char *at = field_start(status, field);
	uint32_t value;

	for (int i = 0; i < 4; i++)
		if (!at || field_u32(&at, &value) < 0 || value != id)
			return false;
	return true;
}

/* As a set: the kernel sorts by its own ids, which an id map may order differently. */
static bool groups_are(const char *status, const struct groups *g)
{
	const char *at = field_start(status, "Groups:");
	size_t count = 0;
	uint32_t value;

	while (at && field_u32(&at, &value) == 0) {
		size_t i = 0;

		while (i < g->count && g->gid[i] != value)
			i++;
		if (i == g->count)
			return false;
		count++;
	}
	return at && count == g->count;
}

static bool set_is(const char *status, const char *field, uint64_t set)
{
	uint64_t value;

	return field_hex64(status, field, &value) == 0 && value == set;
}

static bool number_is(const char *status, const char *field, uint32_t number)
{
	const char *at = field_start(status, field);
	uint32_t value;

	return at && field_u32(&at, &value) == 0 && value == number;
}

static int check_sets(const char *status, const struct expectation *e, struct finding *f)
{
	if (!set_is(status, "CapInh:", 0))
		return differs(f, "inheritable capabilities");
	if (!set_is(status, "CapPrm:", e->permitted))
		return differs(f, "permitted capabilities");
	if (!set_is(status, "CapEff:", e->permitted))
		return differs(f, "effective capabilities");
	if (!set_is(status, "CapBnd:", e->bounding))
		return differs(f, "bounding set");
	if (!set_is(status, "CapAmb:", 0))
		return differs(f, "ambient capabilities");
	if (!number_is(status, "NoNewPrivs:", 1))
		return differs(f, "no_new_privs");
	return 0;
}

static int check_filter(const char *status, const struct expectation *e, struct finding *f)
{
	if (!e->filtered)
		return 0;
	if (!number_is(status, "Seccomp:", SECCOMP_MODE_FILTER_VALUE))
		return differs(f, "system call filter");
	/* A container has a filter of its own: ours must be one more. */
	if (field_start(status, "Seccomp_filters:") &&
	    !number_is(status, "Seccomp_filters:", e->filters_before + 1))
		return differs(f, "number of system call filters");
	return 0;
}

int verify_status(const char *status, const struct expectation *e, struct finding *f)
{
	int r;

	if (!ids_are(status, "Uid:", e->uid))
		return differs(f, "user id");
	if (!ids_are(status, "Gid:", e->gid))
		return differs(f, "group id");
	if (!groups_are(status, e->groups))
		return differs(f, "supplementary groups");
	r = check_sets(status, e, f);
	return r < 0 ? r : check_filter(status, e, f);
}

int verify_privileges(uid_t uid, struct finding *f)
{
	int deathsig = 0;

	if (prctl(PR_GET_SECUREBITS, 0L, 0L, 0L, 0L) != (int)CONFINE_SECUREBITS)
		return differs(f, "securebits");
	if (prctl(PR_GET_PDEATHSIG, &deathsig, 0L, 0L, 0L) < 0 || deathsig != SIGKILL)
		return differs(f, "parent death signal");
	/* The proof of the pudding. */
	if (uid != 0 && syscall(SYS_setuid, 0) == 0)
		return differs(f, "user id: root was to be had back");
	return 0;
}

int verify_confinement(int fd, const struct expectation *e, struct finding *f)
{
	char status[VERIFY_STATUS_SIZE];
	int r = read_status(fd, status, sizeof(status), f);

	return r < 0 ? r : verify_status(status, e, f);
}

int verify_supervisor(int fd, const struct expectation *e, struct finding *f)
{
	char status[VERIFY_STATUS_SIZE];
	int r = read_status(fd, status, sizeof(status), f);

	if (!r)
		r = check_sets(status, e, f);
	return r < 0 ? r : check_filter(status, e, f);
}

int verify_in_force(int fd, const struct expectation *e, struct in_force *now, struct finding *f)
{
	struct expectation one_more = *e;
	char status[VERIFY_STATUS_SIZE];
	struct finding difference;
	int r = read_status(fd, status, sizeof(status), f);

	if (r < 0)
		return r;
	if (field_hex64(status, "CapBnd:", &now->bounding) < 0)
		return differs(f, "bounding set");
	one_more.filtered = true;
	now->no_new_privs = number_is(status, "NoNewPrivs:", 1);
	now->filtered = check_filter(status, &one_more, &difference) == 0;
	return 0;
}
