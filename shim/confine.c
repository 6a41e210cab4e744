/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_MAX 64 /* the width of the kernel's sets */

#define AS_ROOT "start it as root of the container, with its capabilities"

static int refused(struct finding *f, const char *step, const char *what, const char *hint)
{
	return finding_set(f, EXIT_CONFINE, step, errno, what, NULL, hint);
}

int confine_groups(const struct groups *g, struct finding *f)
{
	/* The raw call: a libc's own one drives all threads, and there are none. */
	if (syscall(SYS_setgroups, g->count, g->gid) < 0)
		return refused(f, "groups", "cannot set the supplementary groups",
			       errno == EINVAL
				       ? "a device's group has no mapping in this user namespace"
				       : AS_ROOT);
	return 0;
}

int confine_bounding(uint64_t present, uint64_t keep, struct finding *f)
{
	for (unsigned long cap = 0; cap < CAPABILITIES_MAX; cap++) {
		if (!((present & ~keep) >> cap & 1))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0L, 0L, 0L) < 0)
			return refused(f, "bounding",
				       "cannot drop a capability of the bounding set", AS_ROOT);
	}
	return 0;
}

int confine_securebits(struct finding *f)
{
	if (prctl(PR_SET_SECUREBITS, CONFINE_SECUREBITS, 0L, 0L, 0L) < 0)
		return refused(f, "securebits", "cannot set and lock the securebits", AS_ROOT);
	return 0;
}

#define UNMAPPED                                                                         \
	"it has no mapping in this user namespace: choose another --user, or widen the " \
	"instance's id map"

int confine_gid(gid_t gid, struct finding *f)
{
	if (syscall(SYS_setresgid, gid, gid, gid) < 0)
		return refused(f, "gid", "cannot change the group id",
			       errno == EINVAL ? UNMAPPED : AS_ROOT);
	return 0;
}

int confine_uid(uid_t uid, struct finding *f)
{
	if (syscall(SYS_setresuid, uid, uid, uid) < 0)
		return refused(f, "uid", "cannot change the user id",
			       errno == EINVAL ? UNMAPPED : AS_ROOT);
	return 0;
}

int confine_capabilities(uint64_t keep, struct finding *f)
{
	const capng_type_t both = CAPNG_EFFECTIVE | CAPNG_PERMITTED;

	capng_clear(CAPNG_SELECT_ALL);
	/* 0 is this process: the library remembers the pid of its first use, which a
	 * fork may have outdated. */
	capng_setpid(0);
	for (unsigned int cap = 0; cap < CAPABILITIES_MAX; cap++) {
		if (keep >> cap & 1 && capng_update(CAPNG_ADD, both, cap) < 0) {
			errno = EINVAL;
			return refused(f, "capabilities", "unknown to this kernel", NULL);
		}
	}
	errno = EPERM;
	if (capng_apply(CAPNG_SELECT_CAPS) < 0)
		return refused(f, "capabilities", "cannot drop the capabilities", AS_ROOT);
	return 0;
}

int confine_ambient(struct finding *f)
{
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L) < 0)
		return refused(f, "ambient", "cannot clear the ambient capabilities",
			       "a kernel of 4.3 or newer is needed");
	return 0;
}

int confine_no_new_privs(struct finding *f)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) < 0)
		return refused(f, "no-new-privs", "cannot be set",
			       "a kernel of 4.3 or newer is needed");
	return 0;
}

int confine_parent_death(pid_t parent, struct finding *f)
{
	if (prctl(PR_SET_PDEATHSIG, (long)SIGKILL, 0L, 0L, 0L) < 0)
		return refused(f, "parent-death", "cannot be tied to the supervisor", NULL);
	if (getppid() != parent) {
		errno = ESRCH;
		return refused(f, "parent-death", "the supervisor is gone", NULL);
	}
	return 0;
}

int confine_permitted(uint64_t *out)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	*out = (uint64_t)data[1].permitted << 32 | data[0].permitted;
	return 0;
}
