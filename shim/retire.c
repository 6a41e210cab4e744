/* SPDX-License-Identifier: Apache-2.0 */
#include "retire.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "confine.h"
#include "filter.h"
#include "sys.h"
#include "verify.h"

#define CAP_BIT(cap) (UINT64_C(1) << (cap))

/* Launching takes setuid, setgid and setpcap; looking after the launched, kill. */
#define BOUNDING_FOR_LAUNCH \
	(CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_KILL))

static uint64_t bounding_to_keep(const struct options *o, bool init)
{
	if (!init || o->exec_bounding == BOUNDING_NONE)
		return 0;
	return o->exec_bounding == BOUNDING_LAUNCH ? BOUNDING_FOR_LAUNCH : ~UINT64_C(0);
}

/* Nobody waits in vain for the end of a pipe, no mount is kept busy. */
static int let_go(struct finding *f)
{
	int fd = sys_open("/dev/null", O_RDWR);

	if (fd < 0 || dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return finding_set(f, EXIT_SETUP, "descriptors", fd < 0 ? -fd : errno,
				   "cannot be replaced by", "/dev/null",
				   "the container needs /dev/null");
	close(fd);
	if (chdir("/") < 0)
		return finding_set(f, EXIT_SETUP, "directory", errno, "cannot change to", "/",
				   NULL);
	return 0;
}

/* Of the capabilities to keep, those that are there. */
static int capabilities_to_keep(bool init, uint64_t *keep, struct finding *f)
{
	uint64_t permitted;
	int r = confine_permitted(&permitted);

	if (r < 0)
		return finding_set(f, EXIT_CONFINE, "capabilities", -r, "cannot be read", NULL,
				   NULL);
	if (!(permitted & CAP_BIT(CAP_KILL)))
		return finding_set(f, EXIT_CONFINE, "capabilities", EPERM,
				   "cannot signal another user's processes", NULL,
				   "start it as root of the container, with CAP_KILL");
	*keep = CAP_BIT(CAP_KILL);
	if (init)
		*keep |= permitted & CAP_BIT(CAP_SYS_BOOT);
	return 0;
}

/* Set right at the start; the filter knows no prctl(2) any more. */
static int still_private(struct finding *f)
{
	if (prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 0)
		return 0;
	return finding_set(f, EXIT_CONFINE, "dumpable", EPERM,
			   "the application could trace this process", NULL, NULL);
}

int retire_bounding(struct retiring *r, const struct options *o, bool init, struct finding *f)
{
	uint64_t keep = bounding_to_keep(o, init);

	r->expected = (struct expectation){.filtered = true};
	r->status = verify_open(&r->expected, f);
	if (r->status < 0)
		return r->status;
	r->expected.bounding = r->expected.bounding_before & keep;
	return confine_bounding(r->expected.bounding_before, keep, f) < 0 ? -EPERM : 0;
}

int retire_privileges(struct retiring *r, bool init, struct finding *f)
{
	/* clang-format off */
	if (let_go(f) < 0 ||
	    capabilities_to_keep(init, &r->expected.permitted, f) < 0 ||
	    confine_capabilities(r->expected.permitted, f) < 0 ||
	    confine_ambient(f) < 0 ||
	    confine_no_new_privs(f) < 0 ||
	    still_private(f) < 0)
		return -EPERM;
	/* clang-format on */
	return 0;
}

int retire_calls(const struct retiring *r, struct finding *f)
{
	const struct policy *policy = policy_builtin("init", "deny");

	/* clang-format off */
	if (filter_load(policy, f) < 0 ||
	    filter_try(policy, f) < 0 ||
	    verify_supervisor(r->status, &r->expected, f) < 0)
		return -EPERM;
	/* clang-format on */
	close(r->status);
	return 0;
}
