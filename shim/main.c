/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stremio-shim: starts one application, confined, and looks after it as PID 1 of a
 * container. The story: parse, prepare, inspect, launch, report, supervise.
 * Signals are held from before main() on (signals.c).
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "account.h"
#include "audit_bpf.h"
#include "descriptors.h"
#include "environment.h"
#include "filter.h"
#include "finding.h"
#include "gate.h"
#include "groups.h"
#include "landlock.h"
#include "launch.h"
#include "options.h"
#include "own_pages.h"
#include "prepare.h"
#include "print_policy.h"
#include "ready.h"
#include "self_test.h"
#include "signals.h"
#include "supervise.h"
#include "terminal.h"

extern char **environ;

#define PAGES_OF_A_LAUNCH 4 /* of the stack, below what main() finds there */

/*
 * Undo what the parent may have left on us: an ignored SIGCHLD would take the
 * command's exit status away, an ignored SIGTSTP would break job control.
 */
static int become_supervisor(struct supervisor *s, struct finding *f)
{
	int r = signals_set_mask(SIGNALS_ALL); /* again, for this time it is checked */

	if (r < 0)
		return finding_set(f, EXIT_SETUP, "signals", -r, "cannot be held", NULL, NULL);
	if (signals_set_default(SIGCHLD) < 0 || signals_set_default(SIGTSTP) < 0)
		return finding_set(f, EXIT_SETUP, "signals", EINVAL, "cannot reset a disposition",
				   NULL, NULL);
	umask(022); /* of what is prepared, and inherited by the command */
	s->init = getpid() == 1;
	if (!s->init && prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0)
		return finding_set(f, EXIT_SETUP, "subreaper", EINVAL, "cannot adopt orphans", NULL,
				   "a kernel of 4.3 or newer is needed");
	/* The application must not read or trace this process. */
	if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0)
		return finding_set(f, EXIT_CONFINE, "dumpable", EINVAL, "cannot be cleared", NULL,
				   NULL);
	s->signals = signals_open(SIGNALS_ALL);
	if (s->signals < 0)
		return finding_set(f, EXIT_SETUP, "signals", -s->signals, "cannot be received",
				   NULL, NULL);
	return 0;
}

/* What is to be applied. Nothing is changed by it. */
static int decide(struct launch *l, struct finding *f)
{
	const struct options *o = l->options;

	l->environment = environment_with(environ, o->env, o->env_count);
	if (!l->environment)
		return finding_set(f, EXIT_SETUP, "environment", ENOMEM, "no memory for it", NULL,
				   NULL);
	if (account_resolve(o->user, &account_files_system, &l->account, f) < 0 ||
	    environment_home(l->environment, &l->account, f) < 0 ||
	    account_is_mapped(&l->account, f) < 0 || filter_choose(o, &l->policy, f) < 0 ||
	    landlock_check(o, &l->landlock_abi, f) < 0)
		return -EPERM;
	groups_of_devices(o->devices, &l->groups);
	if (l->groups.full)
		log_warn("groups", 0, "the devices belong to more than 32, the rest is left out",
			 NULL, NULL);
	return 0;
}

/* With a terminal in common, TIOCSTI types into the shell that waits behind us. */
static bool may_type(const struct policy *p)
{
	struct seccomp_data data = {.nr = SYS_ioctl, .args = {0, TIOCSTI}};

	if (!p)
		return true;
	data.arch = p->arch;
	return (audit_bpf_answer(p->code, &data) & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ALLOW;
}

static void warn_of_typing(const struct launch *l)
{
	bool shared = l->terminal.kind == TERMINAL_SHARED || l->terminal.kind == TERMINAL_AS_IS;

	if (shared && may_type(l->policy))
		log_warn("terminal", 0, "the application can type into it", NULL,
			 "sysctl dev.tty.legacy_tiocsti=0, or a policy that denies TIOCSTI");
}

static int print(struct launch *l, bool json, struct finding *f)
{
	if (decide(l, f) < 0)
		return f->status;
	runtime_dir_name(&l->account, &l->runtime_dir);
	return print_policy(l, json) < 0 ? EXIT_SETUP : 0;
}

static int run(char **argv, struct finding *f)
{
	struct options options;
	struct launch plan = {.options = &options};
	struct supervisor s = {.ready = -1, .terminal = &plan.terminal};
	unsigned int closed;
	int status;

	if (descriptors_clean(&closed, f) < 0 ||
	    options_parse(argv, environ, OPTIONS_ARGS_FILE, &options, f) < 0)
		return f->status;
	log_set_level(options.level);
	descriptors_report(closed);
	switch (options.action) {
	case ACTION_HELP:
		return options_help() < 0 ? EXIT_SETUP : 0;
	case ACTION_VERSION:
		return options_version() < 0 ? EXIT_SETUP : 0;
	case ACTION_PRINT_POLICY:
	case ACTION_PRINT_POLICY_JSON:
		return print(&plan, options.action == ACTION_PRINT_POLICY_JSON, f);
	default:
		break;
	}

	if (become_supervisor(&s, f) < 0 || decide(&plan, f) < 0)
		return f->status;
	plan.init = s.init;
	if (options.action == ACTION_SELF_TEST) {
		runtime_dir_name(&plan.account, &plan.runtime_dir);
		return self_test(&plan, f);
	}
	if (prepare(&options, &plan.account, &plan.runtime_dir, f) < 0)
		return f->status;
	status = gate_pass(&plan, f);
	if (status)
		return status;
	if (terminal_find(&plan.terminal, f) < 0)
		return f->status;
	warn_of_typing(&plan);
	plan.signals = s.signals;
	s.stop_timeout_ms = options.stop_timeout_ms;
	s.ready = ready_connect(options.ready, s.init);

	if (launch(&plan, &s.command, &s.auditor, f) < 0) {
		terminal_give_back(&plan.terminal, s.command);
		return f->status;
	}
	s.ready = ready_report(s.ready);
	return supervise(&s);
}

int main(int argc, char **argv)
{
	struct finding f = {0};
	int status;

	(void)argc;
	own_pages_below(&f, PAGES_OF_A_LAUNCH);
	status = run(argv, &f);
	if (f.status)
		log_finding(&f);
	return status;
}
