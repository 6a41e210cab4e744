/* SPDX-License-Identifier: Apache-2.0 */
#include "become.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine.h"
#include "descriptors.h"
#include "environment.h"
#include "filter.h"
#include "landlock.h"
#include "signals.h"
#include "verify.h"

/* Handlers end with the exec by themselves; only what is ignored would stay. */
static int default_dispositions(signal_set ignored, struct finding *f)
{
	for (int signum = 1; signum <= SIGNAL_LAST; signum++) {
		int r;

		if (!(ignored & SIGNAL_BIT(signum)))
			continue;
		r = signals_set_default(signum);
		if (r < 0)
			return finding_set(f, EXIT_SETUP, "signals", -r,
					   "cannot reset a disposition", NULL, NULL);
	}
	return 0;
}

/* A directory outside the container's root must not be handed in (CVE-2024-21626). */
__attribute__((noinline)) static int stay_inside(struct finding *f)
{
	char path[PATH_MAX];

	if (syscall(SYS_getcwd, path, sizeof(path)) > 0 && path[0] == '/')
		return 0;
	if (chdir("/") < 0)
		return finding_set(f, EXIT_SETUP, "directory", errno, "cannot change to", "/",
				   NULL);
	log_warn("directory", 0, "the working directory is not inside the container, it is / now",
		 NULL, NULL);
	return 0;
}

static int change_directory(const char *path, struct finding *f)
{
	if (!path || chdir(path) == 0)
		return 0;
	return finding_set(f, EXIT_SETUP, "directory", errno, "cannot change to", path,
			   "make it, for the application's user, or leave --cwd out");
}

/*
 * The mask goes last: until here a signal is held, from here it has its default effect.
 * What this process has brought on itself by writing to a stderr that is gone is none of
 * the application's business.
 */
static int release_signals(struct finding *f)
{
	int r = signals_discard(SIGPIPE);

	if (!r)
		r = signals_discard(SIGXFSZ);
	if (!r)
		r = signals_set_mask(0);
	if (r < 0)
		return finding_set(f, EXIT_SETUP, "signals", -r, "cannot be unblocked", NULL, NULL);
	return 0;
}

static int load_policy(struct audit *audit, const struct policy *p, struct finding *f)
{
	int r;

	if (!p)
		return 0;
	r = audit_load(audit, p, f);
	return r < 0 ? r : filter_try(p, f);
}

/* Of the checklist below, what needs capabilities: each line is one step. */
static int drop_privileges(const struct launch *l, const struct expectation *e, struct finding *f)
{
	/* clang-format off */
	if (confine_groups(&l->groups, f) < 0 ||
	    confine_bounding(e->bounding_before, 0, f) < 0 ||
	    confine_securebits(f) < 0 ||
	    confine_gid(l->account.gid, f) < 0 ||
	    confine_uid(l->account.uid, f) < 0 ||
	    confine_capabilities(0, f) < 0 ||
	    confine_ambient(f) < 0)
		return -EPERM;
	/* clang-format on */
	return 0;
}

/*
 * The checklist. Each line is one step, and its place has a reason:
 *   auditor first           it takes its own privileges away, for which it needs them
 *   terminal .. directory   what was inherited, while nothing is in the way yet
 *   groups, bounding, securebits   need capabilities that are about to go
 *   gid before uid          the other way round it would not be allowed any more
 *   capabilities after uid  NO_SETUID_FIXUP has kept them through the change
 *   the wanted directory after uid: it must be one that the application may enter
 *   parent-death after uid  a change of uid clears it
 *   landlock after uid      what the application cannot reach needs no rule; before the
 *                           filter, which knows none of its calls
 *   close-on-exec           after the last open(2)
 *   filter, then verify     the filter is part of what is verified; what it may not
 *                           let through (privileges) is verified right before it
 *   wait                    with all signals still held: one that stopped this process here would
 *                           keep the supervisor waiting
 */
static int confine(const struct becoming *b, int status, const struct expectation *e,
		   struct finding *f)
{
	const struct launch *l = b->launch;
	bool identity = !b->as_caller;

	/* clang-format off */
	if (audit_start(b->audit, l->policy, b->parent, f) < 0 ||
	    terminal_take(&l->terminal, f) < 0 ||
	    default_dispositions(e->ignored, f) < 0 ||
	    stay_inside(f) < 0 ||
	    (identity && drop_privileges(l, e, f) < 0) ||
	    change_directory(l->options->cwd, f) < 0 ||
	    confine_no_new_privs(f) < 0 ||
	    confine_parent_death(b->parent, f) < 0 ||
	    landlock_confine(l->options, l->landlock_abi, b->env, f) < 0 ||
	    descriptors_close_on_exec(f) < 0 ||
	    (identity && verify_privileges(l->account.uid, f) < 0) ||
	    load_policy(b->audit, l->policy, f) < 0 ||
	    (identity && verify_confinement(status, e, f) < 0) ||
	    (b->wait && b->wait(b->wait_for, f) < 0) ||
	    release_signals(f) < 0)
		return -EPERM;
	/* clang-format on */
	return 0;
}

int become_application(struct becoming *b, struct finding *f)
{
	const struct launch *l = b->launch;
	struct expectation e = {
		.uid = l->account.uid,
		.gid = l->account.gid,
		.groups = &l->groups,
		.filtered = l->policy != NULL,
	};
	int status = verify_open(&e, f);

	b->env = environment_build_in(b->room, b->room_size, l->environment, &l->account,
				      &l->runtime_dir);
	if (!b->env)
		return finding_set(f, EXIT_SETUP, "environment", ENOMEM, "no memory for it", NULL,
				   NULL);
	return status < 0 ? status : confine(b, status, &e, f);
}
