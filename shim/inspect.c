/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect.h"

#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "become.h"
#include "confine.h"
#include "environment.h"
#include "probe_run.h"
#include "signals.h"
#include "supervise.h"
#include "sys.h"
#include "text.h"
#include "verify.h"

#define STEP "inspect"
#define PAUSE_FIRST_MS 50
#define PAUSE_MAX_MS 1000
#define PROBE_DEADLINE_MIN_MS 1000

/* ------------------------------------------------------------------- the gate */

int inspect_watch(char **env)
{
	static const char *const places[] = {"/dev", "/dev/dri", "/dev/snd", "/tmp",
					     "/tmp/.X11-unix"};
	const char *runtime_dir = environment_get(env, "XDG_RUNTIME_DIR");
	const uint32_t changes = IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM;
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0)
		return -1;
	/* What is not there yet is made in one that is. */
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		(void)inotify_add_watch(fd, places[i], changes);
	if (runtime_dir)
		(void)inotify_add_watch(fd, runtime_dir, changes);
	return fd;
}

void inspect_pause(int watches, int64_t ms)
{
	struct pollfd fds = {.fd = watches, .events = POLLIN};

	if (ms > PAUSE_FIRST_MS) {
		/* Whoever makes files in /tmp all the time does not keep us busy. */
		(void)poll(NULL, 0, PAUSE_FIRST_MS);
		ms -= PAUSE_FIRST_MS;
	}
	(void)poll(&fds, 1, (int)(ms < INT_MAX ? ms : INT_MAX));
	if (watches >= 0)
		close(watches);
}

/* One line, in the place of an errno text what the probe says. */
static void describe(const struct wire_record *w, struct finding *f)
{
	struct text t;

	(void)finding_set(f, EXIT_UNAVAILABLE, wire_names[w->check], 0, "", NULL, NULL);
	text_begin(&t, f->what, sizeof(f->what));
	if (w->target[0]) {
		text_shown(&t, w->target);
		text_str(&t, ": ");
	}
	text_shown(&t, w->summary);
	text_begin(&t, f->hint, sizeof(f->hint));
	text_shown(&t, w->hint);
}

/* Is this what keeps the launch back? */
static bool is_in_the_way(const struct inspection *i, const struct wire_record *w)
{
	const struct options *o = i->launch->options;

	if (!(o->require & GROUP_BIT(w->group)))
		return false;
	if (w->status == STATUS_FAIL)
		return records_check_failed(i->now, w->check);
	return o->require_named && records_group_skipped(i->now, w->group);
}

static void tell_waiting(const struct inspection *i)
{
	struct finding f;
	char what[80];
	struct text t;
	size_t n = 0;

	while (n < i->now->count && !is_in_the_way(i, &i->now->record[n]))
		n++;
	if (n == i->now->count)
		return;
	describe(&i->now->record[n], &f);
	text_begin(&t, what, sizeof(what));
	text_str(&t, "waits up to ");
	text_num(&t, (i->launch->options->wait_ms + 999) / 1000);
	text_str(&t, " s for ");
	text_str(&t, f.step);
	log_warn(STEP, 0, what, NULL, f.what);
}

/* One line for what is not good; of a group that was not checked, its first. */
static void tell_verdict(const struct inspection *i, bool good)
{
	uint32_t told = 0;
	struct finding f;

	for (size_t n = 0; n < i->now->count; n++) {
		const struct wire_record *w = &i->now->record[n];
		bool skipped = records_group_skipped(i->now, w->group);

		if (skipped && told & GROUP_BIT(w->group))
			continue;
		told |= GROUP_BIT(w->group);
		describe(w, &f);
		if (!good && is_in_the_way(i, w))
			log_finding(&f);
		else if (log_verbose() || skipped || w->status == STATUS_WARN)
			log_warn(f.step, 0, f.what, NULL, f.hint);
	}
}

/* What hangs does not hold things up much longer than --wait, but has a fair chance. */
static uint32_t deadline(int64_t left)
{
	if (left > PROBE_DEADLINE_MS)
		return PROBE_DEADLINE_MS;
	return left < PROBE_DEADLINE_MIN_MS ? PROBE_DEADLINE_MIN_MS : (uint32_t)left;
}

static int gate(struct inspection *i)
{
	const struct options *o = i->launch->options;
	int64_t end = sys_now_ms() + o->wait_ms;
	int64_t pause = PAUSE_FIRST_MS;
	bool told = false;

	for (;;) {
		int watches = inspect_watch(i->env);
		int64_t left = end - sys_now_ms();
		bool good;

		probe_run(i->probe, i->env, o->require, deadline(left), i->now);
		left = end - sys_now_ms();
		/* What could not be checked will not be there later either. */
		if (left <= 0 || records_good(i->now, o->require, false)) {
			good = records_good(i->now, o->require, o->require_named);
			tell_verdict(i, good);
			return good ? 0 : EXIT_UNAVAILABLE;
		}
		if (!told)
			tell_waiting(i);
		told = true;
		inspect_pause(watches, left < pause ? left : pause);
		pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
	}
}

/* -------------------------------------------------------------- the inspector */

/* Are the capabilities there that a launch takes? */
static bool may_change_identity(void)
{
	const uint64_t needed = UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID |
				UINT64_C(1) << CAP_SETPCAP;
	uint64_t permitted;

	return confine_permitted(&permitted) == 0 && (permitted & needed) == needed;
}

static bool stay_the_caller(struct launch *l)
{
	int n = getgroups(GROUPS_MAX, l->groups.gid);

	l->account.uid = getuid();
	l->account.gid = getgid();
	l->groups.count = n < 0 ? 0 : (size_t)n;
	return true;
}

/* The same steps as for the application, with the probe as the command. */
static int become_inspector(struct inspection *i, struct launch *l, struct options *o,
			    char **command, pid_t parent, struct finding *f)
{
	struct becoming b = {.launch = l, .parent = parent, .go = -1};
	struct expectation e;
	int status;

	*o = *i->launch->options;
	*l = *i->launch;
	probe_find(i->probe);
	command[0] = i->probe;
	o->command = command;
	l->options = o;
	l->terminal = (struct terminal){.kind = TERMINAL_NONE, .fd = -1};
	if (o->action == ACTION_SELF_TEST && !may_change_identity())
		b.as_caller = i->as_caller = stay_the_caller(l);
	status = verify_open(&e, f);
	/* The launch says these things itself. */
	log_set_level(LOG_QUIET);
	if (status < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1L, 0L, 0L, 0L) < 0 ||
	    become_application(&b, f) < 0)
		return -EPERM;
	/* Held again: a reader of its lines that is gone must not end it. */
	(void)signals_set_mask(SIGNALS_ALL);
	log_set_level(o->level);
	i->env = b.env;
	return verify_bounding(status, &i->bounding, f);
}

/* Not inlined: the supervisor's stack is not to grow by what this one needs. */
__attribute__((noinline)) _Noreturn static void run_inspector(const struct launch *plan,
							      inspector act, pid_t parent)
{
	struct inspection inspection = {.launch = plan};
	struct inspection *i = &inspection;
	struct finding f = {.status = EXIT_SETUP};
	char *command[2] = {NULL, NULL};
	const size_t size = sizeof(*i->now);
	struct options o;
	struct launch l;

	if (become_inspector(i, &l, &o, command, parent, &f) < 0) {
		log_finding(&f);
		_exit(f.status);
	}
	i->launch = &l;
	i->now = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (i->now == MAP_FAILED) {
		(void)finding_set(&f, EXIT_SETUP, STEP, errno, "no memory", NULL, NULL);
		log_finding(&f);
		_exit(f.status);
	}
	i->before = i->now + 1;
	_exit(act(i));
}

/* ------------------------------------------------------------- the supervisor */

static int lost(struct finding *f, const char *what)
{
	(void)finding_set(f, EXIT_SETUP, STEP, errno, what, NULL, NULL);
	return f->status;
}

/* Return: the inspector's exit status, or 128+N after a signal N of the descriptor. */
static int wait_for(pid_t pid, int signals, struct finding *f)
{
	struct pollfd fds = {.fd = signals, .events = POLLIN};
	struct signalfd_siginfo si;
	int stop = 0;
	int status;
	pid_t who;

	for (;;) {
		(void)poll(&fds, 1, -1);
		while (read(signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
			if (si.ssi_signo != SIGCHLD)
				stop = (int)si.ssi_signo;
		if (stop)
			kill(pid, SIGKILL);
		while ((who = waitpid(-1, &status, WNOHANG)) > 0 && who != pid)
			continue;
		if (who < 0)
			return lost(f, "cannot wait for the inspector");
		if (who == pid && stop)
			return 128 + stop;
		if (who == pid && WIFEXITED(status))
			return WEXITSTATUS(status);
		if (who == pid) {
			errno = 0;
			return lost(f, "the inspector was killed before its word");
		}
	}
}

int inspect_with(const struct launch *l, inspector act, signal_set stops, struct finding *f)
{
	int signals = signals_open(stops | SIGNAL_BIT(SIGCHLD));
	pid_t parent = getpid();
	pid_t pid;
	int status;

	if (signals < 0) {
		errno = -signals;
		return lost(f, "no signals to be had");
	}
	pid = sys_fork();
	if (pid == 0)
		run_inspector(l, act, parent);
	status = pid < 0 ? lost(f, "cannot start the inspector") : wait_for(pid, signals, f);
	close(signals);
	return status;
}

int inspect(const struct launch *l, struct finding *f)
{
	signal_set stops = signals_stop_requests(l->init);
	int status;

	if (!l->options->require)
		return 0;
	status = inspect_with(l, gate, stops, f);
	if (status == 128 + SIGINT)
		supervise_restart();
	if (status >= 128)
		(void)finding_set(f, EXIT_SETUP, STEP, 0, "a stop was asked for meanwhile", NULL,
				  NULL);
	return status < 128 ? status : EXIT_SETUP;
}
