/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker.h"

static int returns(void *arg)
{
	return *(int *)arg;
}

static int hangs(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return 0;
}

/* As a worker does in a container's namespace: it clears the parent death signal. */
static int hangs_under_another_id(void *arg)
{
	(void)setfsuid(1);
	return hangs(arg);
}

static int crashes(void *arg)
{
	(void)arg;
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	return 0;
}

static int outcome(int (*fn)(void *), void *arg, uint32_t deadline_ms)
{
	struct worker w;

	assert_int_equal(worker_start(fn, arg, deadline_ms, &w), 0);
	return worker_wait(&w);
}

static void worker_is_ended_at_its_deadline(void **state)
{
	int seven = 7;

	(void)state;
	assert_int_equal(outcome(returns, &seven, 10000), 7);
	assert_int_equal(outcome(crashes, NULL, 10000), -ECHILD);
	assert_int_equal(outcome(hangs, NULL, 50), -ETIMEDOUT);
}

/* The parent of a worker, killed; the worker holds the pipe's other end open. */
static void ends_without_its_parent(int (*fn)(void *), uint32_t deadline_ms)
{
	struct pollfd gone;
	struct worker w;
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)setpgid(0, 0);
		signal(SIGALRM, SIG_IGN);
		(void)worker_start(fn, NULL, deadline_ms, &w);
		usleep(100000); /* until it is another's: the signal would come before that */
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* End of file: it is gone. */
	gone = (struct pollfd){.fd = ends[0], .events = POLLIN};
	if (poll(&gone, 1, 5000) != 1) {
		(void)kill(-pid, SIGKILL);
		fail_msg("it is there without its parent");
	}
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

static void worker_ends_with_its_parent(void **state)
{
	(void)state;
	ends_without_its_parent(hangs, 30000);
	ends_without_its_parent(hangs_under_another_id, 500);
}

/* As with a mount namespace, it is a while after its work until it is gone. */
static int is_slow_to_end(void *arg)
{
	void *much = mmap(NULL, 256U << 20, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return much == MAP_FAILED ? 1 : returns(arg);
}

/* liblxc reads a hook's output until everybody has closed it. */
static void worker_that_has_told_its_status_holds_no_output(void **state)
{
	int ends[2];
	int out = dup(STDOUT_FILENO);
	int seven = 7;
	char byte;

	(void)state;
	assert_true(out >= 0);
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
	close(ends[1]);
	assert_int_equal(outcome(is_slow_to_end, &seven, 10000), 7);
	assert_int_equal(dup2(out, STDOUT_FILENO), STDOUT_FILENO);
	close(out);
	/* Neither a byte nor EAGAIN: the end of it. */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

/* At a stop nobody may be left in the cgroup that liblxc is about to remove. */
static void worker_that_is_gone_has_ended(void **state)
{
	struct worker w;
	int seven = 7;

	(void)state;
	assert_int_equal(worker_start(is_slow_to_end, &seven, 10000, &w), 0);
	assert_int_equal(worker_wait(&w), 7);
	worker_gone(&w);
	assert_int_equal(waitpid(w.pid, NULL, WNOHANG), w.pid);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_is_ended_at_its_deadline),
		cmocka_unit_test(worker_ends_with_its_parent),
		cmocka_unit_test(worker_that_has_told_its_status_holds_no_output),
		cmocka_unit_test(worker_that_is_gone_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
