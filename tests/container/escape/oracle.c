/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who refused a call: a seccomp filter, or the kernel behind it? An errno does not tell.
 *
 * A thread puts one more filter on itself that turns the call in question into a notification,
 * and makes it. Of all filters' answers the kernel takes the strictest (seccomp(2)): KILL, TRAP,
 * ERRNO, then USER_NOTIF, then ALLOW. So if an earlier filter refuses, its errno comes back; if
 * all let the call through, the notification arrives and is answered with an errno that nothing
 * else uses. Either way the call itself is never executed.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "escape.h"

#define LET_THROUGH 4001 /* within the kernel's range of errors, used by none */

struct question {
	long number;
	const long *args;
	atomic_int listener; /* 0 not yet, > 0 a descriptor, -1 no luck */
	int answer;
};

static void *ask(void *arg)
{
	struct question *q = arg;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), /* the call's number */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)q->number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = 4, .filter = code};
	long fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
			  &prog);

	q->answer = -1;
	atomic_store(&q->listener, fd > 0 ? (int)fd : -1);
	if (fd <= 0)
		return NULL;
	if (syscall(q->number, q->args[0], q->args[1], q->args[2], q->args[3], q->args[4],
		    q->args[5]) < 0)
		q->answer = errno == LET_THROUGH ? 0 : errno;
	return NULL;
}

/* A filter that refuses lets nothing arrive here: then the thread just ends. */
static void answer_one(int listener)
{
	struct seccomp_notif request;
	struct seccomp_notif_resp reply;
	struct pollfd p = {.fd = listener, .events = POLLIN};

	/* POLLHUP: the thread is gone, the call was answered without us. */
	if (poll(&p, 1, 1000) != 1 || !(p.revents & POLLIN))
		return;
	memset(&request, 0, sizeof(request));
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return;
	memset(&reply, 0, sizeof(reply));
	reply.id = request.id;
	reply.error = -LET_THROUGH;
	(void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

int oracle_ask(long number, const long args[6])
{
	struct question q = {.number = number, .args = args, .answer = -1};
	pthread_t thread;

	/* What the asking itself is made of cannot be asked about. */
	if (number == SYS_seccomp || number == SYS_futex || number == SYS_exit)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || pthread_create(&thread, NULL, ask, &q))
		return -1;
	while (!atomic_load(&q.listener))
		usleep(50);
	if (q.listener > 0)
		answer_one(q.listener);
	pthread_join(thread, NULL);
	return q.answer;
}
