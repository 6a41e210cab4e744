/* SPDX-License-Identifier: Apache-2.0 */
#include "audit_log.h"

#include <linux/audit.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy/file.h"
#include "sys.h"
#include "text.h"

#define BEGIN "stremio-shim: audit: "
#define X32_BIT 0x40000000U /* __X32_SYSCALL_BIT of asm/unistd.h */
#define LINE_SIZE 1024	    /* far above the longest, and below PIPE_BUF */

/* ------------------------------------------------------------------- the text */

/* Of another interface than the one the policy is for; NULL when it is not. */
static const char *foreign(const struct seccomp_data *data)
{
	switch (data->arch) {
#ifdef __x86_64__
	case AUDIT_ARCH_X86_64:
		/* A negative number is nobody's. */
		return data->nr > 0 && (uint32_t)data->nr & X32_BIT ? "x32" : NULL;
	case AUDIT_ARCH_I386:
		return "i386";
#else
	case AUDIT_ARCH_AARCH64:
		return NULL;
	case AUDIT_ARCH_ARM:
		return "arm";
#endif
	default:
		return "foreign";
	}
}

static void put_call(struct text *t, const struct seccomp_data *data)
{
	const char *other = foreign(data);
	const char *name = other ? NULL : policy_call_name((uint32_t)data->nr);
	bool x32 = other && data->arch == policy_native_arch();

	if (other) {
		text_str(t, other);
		text_str(t, " ");
	}
	if (name) {
		text_str(t, name);
	} else {
		text_str(t, data->nr < 0 ? "call -" : "call ");
		text_num(t, data->nr < 0 ? -(uint32_t)data->nr
			    : x32	 ? (uint32_t)data->nr & ~X32_BIT
					 : (uint32_t)data->nr);
	}
	for (size_t i = 0; i < 6; i++) {
		text_str(t, i ? ", " : "(");
		text_hex(t, data->args[i]);
	}
	text_str(t, ") -> ");
}

static void put_error(struct text *t, uint32_t err)
{
	const char *name = policy_errno_name(err);

	if (name) {
		text_str(t, name);
		return;
	}
	text_str(t, "errno ");
	text_num(t, err);
}

static void put_rule(struct text *t, const struct policy *p, const struct audit_call *call)
{
	bool found = false;

	text_str(t, " (policy ");
	text_safe(t, p->name);
	if (foreign(call->data)) {
		text_str(t, ": not this machine's own system calls");
	} else if (p->denials) {
		for (size_t i = 0; i < p->denial_count; i++) {
			const struct policy_denial *d = &p->denials[i];

			if (d->call != (uint32_t)call->data->nr || d->err != call->err)
				continue;
			text_str(t, found ? " or " : ": ");
			text_str(t, p->files[d->file]);
			text_str(t, ":");
			text_num(t, d->line);
			found = true;
		}
		if (!found)
			text_str(t, ": no rule names it");
	}
	text_str(t, ")");
}

size_t audit_log_line(char *buf, size_t size, const struct policy *p, const struct audit_call *call)
{
	char program[AUDIT_PROGRAM_SIZE + 1] = {0};
	struct text t;

	memcpy(program, call->program, AUDIT_PROGRAM_SIZE);
	text_begin(&t, buf, size);
	text_str(&t, BEGIN);
	text_safe(&t, program);
	text_str(&t, "[");
	text_num(&t, call->pid);
	text_str(&t, "]: ");
	put_call(&t, call->data);
	put_error(&t, call->err);
	put_rule(&t, p, call);
	return t.len;
}

/* ---------------------------------------------------------------------- when */

/* With room for the whole line a pipe takes it at once, pipe(7). */
static bool has_room(void)
{
	struct pollfd fd = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&fd, 1, 0) == 1 && fd.revents & POLLOUT;
}

/* One write, so that lines of several processes do not mix. */
static void write_line(struct audit_log *log, char *line, size_t len)
{
	ssize_t n;

	line[len] = '\n';
	n = write(STDERR_FILENO, line, len + 1);
	(void)n; /* nothing can be done about a stderr that is gone */
	log->lines++;
}

static bool in_time(struct audit_log *log)
{
	int64_t now = sys_now_ms();

	if (log->left_out)
		(void)audit_log_rest(log, false);
	if (now - log->second >= 1000) {
		log->second = now;
		log->lines = 0;
	}
	return log->lines < AUDIT_LINES_A_SECOND && has_room();
}

static bool was_named(const struct audit_log *log, const struct audit_call *call)
{
	for (size_t i = 0; i < log->count; i++)
		if (log->named[i].nr == (uint32_t)call->data->nr &&
		    log->named[i].arch == call->data->arch &&
		    !memcmp(log->named[i].program, call->program, AUDIT_PROGRAM_SIZE))
			return true;
	return false;
}

static void say_full(struct audit_log *log)
{
	char line[LINE_SIZE];
	struct text t;

	text_begin(&t, line, sizeof(line) - 1);
	text_str(&t, BEGIN);
	text_num(&t, AUDIT_NAMED_MAX);
	text_str(&t, " different denied calls were named, no more are; all stay denied");
	write_line(log, line, t.len);
	log->closed = true;
}

void audit_log_call(struct audit_log *log, const struct policy *p, const struct audit_call *call)
{
	char line[LINE_SIZE];

	if (log->closed || was_named(log, call))
		return;
	if (!in_time(log)) {
		log->left_out++;
		return;
	}
	if (log->count == AUDIT_NAMED_MAX) {
		say_full(log);
		return;
	}
	memcpy(log->named[log->count].program, call->program, AUDIT_PROGRAM_SIZE);
	log->named[log->count].arch = call->data->arch;
	log->named[log->count].nr = (uint32_t)call->data->nr;
	log->count++;
	write_line(log, line, audit_log_line(line, sizeof(line) - 1, p, call));
}

int audit_log_rest(struct audit_log *log, bool now)
{
	char line[LINE_SIZE];
	int64_t left;
	struct text t;

	if (!log->left_out)
		return -1;
	left = log->second + 1000 - sys_now_ms();
	if (left > 0 && !now)
		return (int)left;
	if (!has_room())
		return now ? -1 : 1000;
	text_begin(&t, line, sizeof(line) - 1);
	text_str(&t, BEGIN);
	text_num(&t, log->left_out);
	text_str(&t, " denied calls were left out here (at most ");
	text_num(&t, AUDIT_LINES_A_SECOND);
	text_str(&t, " lines a second, and what the log takes)");
	log->left_out = 0;
	write_line(log, line, t.len);
	return -1;
}
