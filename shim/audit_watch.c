/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_watch.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "audit_bpf.h"
#include "audit_log.h"
#include "confine.h"
#include "filter.h"
#include "groups.h"
#include "sys.h"
#include "text.h"
#include "verify.h"

#define STEP "audit"
#define NAME "stremio-audit" /* for ps(1) */

/* A newer kernel writes more than this header's structure, and says how much. */
#define QUESTION_ROOM 512
#define ANSWER_ROOM 128

/* Linux 6.6; the headers may be older. */
#define IOCTL_SET_FLAGS SECCOMP_IOW(4, __u64)
#define FLAG_SYNC_WAKE_UP 1UL

struct watch {
	struct audit *page;
	const struct policy *policy;
	int listener;
	struct seccomp_notif_sizes sizes;
	struct audit_log log;
};

/* ------------------------------------------------------------------ confinement */

static int get_sizes(struct watch *w, struct finding *f)
{
	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &w->sizes) < 0)
		return finding_set(f, EXIT_CONFINE, STEP, errno,
				   "the kernel gives no notifications", NULL,
				   "launch without --audit");
	if (w->sizes.seccomp_notif > QUESTION_ROOM || w->sizes.seccomp_notif_resp > ANSWER_ROOM)
		return finding_set(f, EXIT_CONFINE, STEP, E2BIG, "this kernel is too new for it",
				   NULL, "launch without --audit");
	return 0;
}

/* A session of its own: the terminal's stop signals, SIGSTOP among them, are for others. */
static int stand_apart(struct finding *f)
{
	if (chdir("/") < 0 || setsid() < 0 || prctl(PR_SET_NAME, NAME, 0L, 0L, 0L) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) < 0)
		return finding_set(f, EXIT_CONFINE, STEP, errno, "cannot stand apart", NULL, NULL);
	return 0;
}

/*
 * The order is the application's (become.c). Verified while the launch still waits: what
 * remains is to take the listener.
 */
static int confine(struct watch *w, pid_t supervisor, struct finding *f)
{
	const struct groups none = {0};
	struct expectation e = {
		.uid = geteuid(),
		.gid = getegid(),
		.groups = &none,
		.filtered = true,
	};
	int status = verify_open(&e, f);

	if (status < 0)
		return status;
	/* clang-format off */
	if (get_sizes(w, f) < 0 ||
	    stand_apart(f) < 0 ||
	    confine_groups(&none, f) < 0 ||
	    confine_bounding(e.bounding_before, 0, f) < 0 ||
	    confine_securebits(f) < 0 ||
	    confine_capabilities(0, f) < 0 ||
	    confine_ambient(f) < 0 ||
	    confine_no_new_privs(f) < 0 ||
	    confine_parent_death(supervisor, f) < 0 ||
	    verify_privileges(e.uid, f) < 0 ||
	    filter_load(policy_builtin("audit", "deny"), f) < 0 ||
	    verify_confinement(status, &e, f) < 0)
		return -EPERM;
	/* clang-format on */
	return 0;
}

/* Out of the common descriptor table, with the listener and stderr and nothing else. */
static int take(struct watch *w, int launcher)
{
	if (audit_wait(&w->page->listener, launcher) < 0)
		return -ESRCH;
	w->listener = atomic_load(&w->page->listener);
	if (w->listener <= STDERR_FILENO)
		return -ENOENT;
	if (syscall(SYS_unshare, CLONE_FILES) < 0 || syscall(SYS_close_range, 0U, 1U, 0U) < 0 ||
	    syscall(SYS_close_range, (unsigned int)w->listener + 1, ~0U, 0U) < 0)
		return -errno;
	if (w->listener > STDERR_FILENO + 1 &&
	    syscall(SYS_close_range, 3U, (unsigned int)w->listener - 1, 0U) < 0)
		return -errno;
	atomic_store(&w->page->taken, 1);
	return 0;
}

static int control(const struct watch *w, unsigned long request, void *arg)
{
	return syscall(SYS_ioctl, w->listener, request, arg) < 0 ? -errno : 0;
}

/*
 * Who asks sleeps until the answer, so the two can share a processor: then an answer takes a
 * third of the time, and fewer signals find the question not yet received, which is when
 * they interrupt it. Older kernels do without.
 */
static void take_turns(const struct watch *w)
{
	(void)syscall(SYS_ioctl, w->listener, IOCTL_SET_FLAGS, FLAG_SYNC_WAKE_UP);
}

/* ------------------------------------------------------------- who it was */

/* /proc/PID/NAME, its first bytes, without the line end if that is the last. */
static int read_proc(uint32_t pid, const char *name, char *buf, size_t size)
{
	char path[64];
	struct text t;
	ssize_t n;
	int fd;

	text_begin(&t, path, sizeof(path));
	text_str(&t, "/proc/");
	text_num(&t, pid);
	text_str(&t, name);
	fd = sys_open(path, O_RDONLY);
	if (fd < 0)
		return fd;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n <= 0)
		return -ESRCH;
	if (buf[n - 1] == '\n')
		n--;
	buf[n] = '\0';
	return 0;
}

/*
 * Is the thread the first of its process, so that its number is the process's? Signal 0 only
 * asks: without such a thread in such a process it is ESRCH, else EPERM or success. The
 * text that tells it in words costs more than all the rest of an answer.
 */
static bool is_first(uint32_t thread)
{
	return syscall(SYS_tgkill, thread, thread, 0) == 0 || errno != ESRCH;
}

static int find_process(uint32_t thread, uint32_t *pid)
{
	char buf[256];
	const char *at;
	int r;

	*pid = thread;
	if (is_first(thread))
		return 0;
	/* The thread's own name comes first in there, with its line ends escaped. */
	r = read_proc(thread, "/status", buf, sizeof(buf));
	if (r < 0)
		return r;
	at = field_start(buf, "Tgid:");
	return at ? field_u32(&at, pid) : -ESRCH;
}

/* The process that the thread belongs to, and its name; "?" where /proc does not tell. */
static void find_program(uint32_t thread, struct audit_call *call)
{
	char name[AUDIT_PROGRAM_SIZE + 1];

	memset(call->program, 0, sizeof(call->program));
	call->program[0] = '?';
	if (find_process(thread, &call->pid) < 0 ||
	    read_proc(call->pid, "/comm", name, sizeof(name)) < 0)
		return;
	for (size_t i = 0; i < AUDIT_PROGRAM_SIZE && name[i]; i++)
		call->program[i] = name[i];
}

/* ---------------------------------------------------------------- the loop */

/* What the policy says without an auditor. */
static uint32_t policy_error(const struct watch *w, const struct seccomp_data *data)
{
	uint32_t action = audit_bpf_answer(w->policy->code, data);
	uint32_t err = action & SECCOMP_RET_DATA;

	return (action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO && err ? err : EPERM;
}

/* Return: 0 also when the one who asked is gone meanwhile, -errno when there is no going on. */
static int answer(struct watch *w)
{
	union {
		struct seccomp_notif question;
		char room[QUESTION_ROOM];
	} in;
	union {
		struct seccomp_notif_resp answer;
		char room[ANSWER_ROOM];
	} out;
	struct audit_call call = {.data = &in.question.data};
	bool named;
	int r;

	memset(&in, 0, w->sizes.seccomp_notif); /* EINVAL otherwise */
	r = control(w, SECCOMP_IOCTL_NOTIF_RECV, &in);
	if (r < 0)
		return r == -ENOENT || r == -EINTR ? 0 : r;
	call.err = policy_error(w, call.data);
	/* As long as the question is open its thread is there, and its pid is not another's. */
	named = atomic_load(&w->page->application);
	if (named) {
		find_program(in.question.pid, &call);
		named = control(w, SECCOMP_IOCTL_NOTIF_ID_VALID, &in.question.id) == 0;
	}
	memset(&out, 0, w->sizes.seccomp_notif_resp);
	out.answer.id = in.question.id;
	out.answer.error = -(int32_t)call.err;
	r = control(w, SECCOMP_IOCTL_NOTIF_SEND, &out);
	if (named)
		audit_log_call(&w->log, w->policy, &call);
	return r == -ENOENT ? 0 : r;
}

static int serve(struct watch *w)
{
	struct pollfd fd = {.fd = w->listener, .events = POLLIN};
	int r = 0;

	while (!r) {
		(void)poll(&fd, 1, audit_log_rest(&w->log, false));
		if (fd.revents & POLLIN)
			r = answer(w);
		else if (fd.revents)
			break; /* POLLHUP: nobody is left under the policy */
	}
	(void)audit_log_rest(&w->log, true);
	return r;
}

_Noreturn void audit_watch(struct audit *a, const struct policy *p, pid_t supervisor, int launcher)
{
	struct watch w = {.page = a, .policy = p};
	int r = confine(&w, supervisor, &a->finding);

	atomic_store(&a->state, r < 0 ? AUDITOR_FAILED : AUDITOR_READY);
	if (!r)
		r = take(&w, launcher);
	if (!r) {
		take_turns(&w);
		r = serve(&w);
	}
	/*
	 * A failure here has been said by the launch; -ENOENT is none, it took the filter without
	 * us. The bare call: what a libc may do at exit is not what this filter knows.
	 */
	for (;;)
		syscall(SYS_exit_group, r < 0 && r != -ENOENT ? EXIT_CONFINE : 0);
}
