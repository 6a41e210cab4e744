/* SPDX-License-Identifier: Apache-2.0 */
#include "inspect.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "become.h"
#include "confine.h"
#include "landlock.h"
#include "own_pages.h"
#include "probe_run.h"
#include "signals.h"
#include "sys.h"
#include "verify.h"

#define STEP "inspect"
/* One that is not gone by then, stopped or in a driver, is killed. */
#define END_MS 1000
#define PAGES_OF_AN_INSPECTOR 7 /* of the stack */
#define PAGES_OF_A_LAUNCH 3

/* -------------------------------------------------------------- the inspector */

/* Are the capabilities there that a launch takes? */
static bool may_change_identity(void)
{
	const uint64_t needed =
		UINT64_C(1) << CAP_SETUID | UINT64_C(1) << CAP_SETGID | UINT64_C(1) << CAP_SETPCAP;
	uint64_t permitted;

	return confine_permitted(&permitted) == 0 && (permitted & needed) == needed;
}

static bool stay_the_caller(struct launch *l)
{
	int n = getgroups(GROUPS_MAX, l->groups.gid);

	l->account.uid = getuid();
	l->account.gid = getgid();
	l->groups.count = n < 0 ? 0 : (size_t)n;
	/* The application's would be somebody else's, and the hint to take it away from it. */
	runtime_dir_name(&l->account, &l->runtime_dir);
	return true;
}

/* The same steps as for the application, with the probe as the command. */
static int become_inspector(struct inspection *i, struct launch *l, struct options *o,
			    char **command, pid_t parent, struct finding *f)
{
	struct becoming b = {.launch = l, .parent = parent};
	struct expectation e = {.filtered = false};
	int status = 0;
	bool report;

	*o = *i->launch->options;
	report = o->action == ACTION_SELF_TEST;
	*l = *i->launch;
	probe_find(i->probe);
	command[0] = i->probe;
	o->command = command;
	/* The application's own affair, and not to be found missing before its launch. */
	o->cwd = NULL;
	l->options = o;
	l->terminal = (struct terminal){.kind = TERMINAL_NONE, .fd = -1};
	if (report && !may_change_identity())
		b.as_caller = i->as_caller = stay_the_caller(l);
	if (report)
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
	return report ? verify_in_force(status, &e, &i->in_force, f) : 0;
}

/*
 * Of no weight in the supervisor, which never touches them. In a section of their own, where
 * AddressSanitizer leaves them alone: at the exit it would map memory, which PID 1 may not any more.
 */
__attribute__((section(".bss.looks"))) static struct records looks[2];

/* Not inlined: the supervisor's stack is not to grow by what this one needs. */
__attribute__((noinline)) _Noreturn static void run_inspector(const struct launch *plan,
							      inspector act, pid_t parent, int word)
{
	struct inspection inspection = {.launch = plan};
	struct inspection *i = &inspection;
	struct finding f = {.status = EXIT_SETUP};
	char *command[2] = {NULL, NULL};
	struct options o;
	struct launch l;
	int status;

	/* From its first frame on. */
	own_pages_below(__builtin_frame_address(0), PAGES_OF_AN_INSPECTOR);
	if (become_inspector(i, &l, &o, command, parent, &f) < 0) {
		log_finding(&f);
		_exit(f.status);
	}
	i->launch = &l;
	i->now = l.waiting.records ? l.waiting.records : looks;
	i->before = i->now + 1;
	status = act(i);
	/* Right away where a launch waits, for a process and all it has in memory is long in ending;
	 * its exit status says the same to whom the word does not reach. */
	if (status == 0 && o.action != ACTION_SELF_TEST)
		(void)!write(word, "", 1);
	(void)probe_end();
	/* Nothing of the probe's is left, and nothing of its own is worth waiting for. */
	close(word);
	_exit(status);
}

bool inspect_out_of_date(const struct inspection *i)
{
	const uint32_t devices = i->launch->options->devices;
	struct groups now;

	if (devices & GROUP_BIT(GROUP_X11) && landlock_hides_display(i->env))
		return true;
	/* The caller's groups stay what they are. */
	if (i->as_caller)
		return false;
	groups_of_devices(devices, &now);
	return !groups_have(&i->launch->groups, &now);
}

/* ------------------------------------------------------------- the supervisor */

/* The one whose word has come. */
static pid_t ending;
static int word_pipe = -1; /* open until its end is; -1: none */

static int lost(struct finding *f, const char *what)
{
	(void)finding_set(f, EXIT_SETUP, STEP, errno, what, NULL, NULL);
	return f->status;
}

/* The signal of @stops that has come, 0 when none has. */
static int receive(int signals)
{
	struct signalfd_siginfo si;
	int stop = 0;

	while (read(signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo != SIGCHLD)
			stop = (int)si.ssi_signo;
	return stop;
}

/* All that has ended: as PID 1, orphans too. Return: has @pid? Then @status is its. */
static bool reap(pid_t pid, int *status, bool *childless)
{
	bool ended = false;
	int its_status;
	pid_t who;

	while ((who = waitpid(-1, &its_status, WNOHANG)) > 0) {
		if (who != pid)
			continue;
		*status = its_status;
		ended = true;
	}
	*childless = who < 0;
	return ended;
}

/*
 * Return: the inspector's exit status, or 128+N after a signal N of the descriptor. One that
 * is killed here is not waited for: it might hang in a driver. Nor is, yet, one whose word has come.
 */
static int wait_for(pid_t pid, int signals, int word, int64_t most_ms, struct finding *f)
{
	struct pollfd fds[] = {{.fd = signals, .events = POLLIN}, {.fd = word, .events = POLLIN}};
	int64_t end = sys_now_ms() + most_ms;
	bool childless;
	int status;

	for (;;) {
		int64_t left = most_ms ? end - sys_now_ms() : INT_MAX;
		int r = left > 0 ? poll(fds, 2, left < INT_MAX ? (int)left : -1) : 0;
		int stop = receive(signals);

		if (fds[1].revents) {
			if (fds[1].revents & POLLIN && !stop)
				return 0;
			fds[1].fd = -1; /* it is about to end without */
		}
		if (reap(pid, &status, &childless) && !stop) {
			if (WIFEXITED(status))
				return WEXITSTATUS(status);
			errno = 0;
			return lost(f, "the inspector was killed before its word");
		}
		if (!stop && r && !childless)
			continue;
		kill(pid, SIGKILL);
		if (stop)
			return 128 + stop;
		errno = childless ? ECHILD : ETIMEDOUT;
		return lost(f, "the inspector has not said its word");
	}
}

int inspect_with(const struct launch *l, inspector act, signal_set stops, int64_t most_ms,
		 struct finding *f)
{
	int signals = signals_open(stops | SIGNAL_BIT(SIGCHLD));
	pid_t parent = getpid();
	int status = EXIT_SETUP;
	int word[2];
	pid_t pid;

	if (signals < 0) {
		errno = -signals;
		return lost(f, "no signals to be had");
	}
	inspect_await_end();
	if (sys_pipe(word) < 0)
		return lost(f, "cannot make a pipe");
	pid = sys_fork();
	if (pid == 0)
		run_inspector(l, act, parent, word[1]);
	if (pid < 0)
		status = lost(f, "cannot start the inspector");
	close(word[1]);
	word_pipe = word[0];
	if (pid > 0) {
		/* What the fork has taken of what is written to next, while there is time for it. */
		own_pages_below((const char *)__builtin_frame_address(0) + OWN_PAGE,
				PAGES_OF_A_LAUNCH);
		errno = 0;
		ending = pid;
		status = wait_for(pid, signals, word[0], most_ms, f);
	}
	close(signals);
	return status;
}

void inspect_await_end(void)
{
	struct pollfd fds = {.fd = word_pipe};

	if (word_pipe < 0)
		return;
	/* No child is waited for before supervise(): the number is still its own. */
	if (poll(&fds, 1, END_MS) == 0)
		kill(ending, SIGKILL);
	close(word_pipe);
	word_pipe = -1;
}

void inspect_renew(struct launch *l)
{
	groups_of_devices(l->options->devices, &l->groups);
	l->waiting.told = true;
}
