/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/fsuid.h>
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
static void ends_without_its_parent(int (*fn)(void *))
{
	struct worker w;
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGALRM, SIG_IGN);
		(void)worker_start(fn, NULL, 500, &w);
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	/* End of file: it is gone. If it stays, so does this test, until its runner's limit. */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

static void worker_ends_with_its_parent(void **state)
{
	(void)state;
	ends_without_its_parent(hangs);
	ends_without_its_parent(hangs_under_another_id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_is_ended_at_its_deadline),
		cmocka_unit_test(worker_ends_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
