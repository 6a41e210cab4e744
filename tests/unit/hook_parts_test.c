/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calendar.h"
#include "hook_report.h"
#include "owner.h"
#include "state.h"

static char dir[64];

static const char *in_dir(const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	(void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	return path[turn];
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(in_dir(name), "w");

	assert_non_null(file);
	fputs(text, file);
	(void)fclose(file);
}

static int make_dir(void **state)
{
	(void)state;
	umask(022);
	strcpy(dir, "/tmp/stremio-hook-test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	static const char *const names[] = {"etc/passwd", "etc/group", "etc/stremio-shim.args",
					    "etc",	  "lxc.log",   "link.log",
					    "hard.log",	  "fifo.log",  "elsewhere"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)remove(in_dir(names[i]));
	return rmdir(dir);
}

/* ------------------------------------------------------------------ state */

static void state_file_is_read_strictly(void **state)
{
	static struct wired w;
	static const char *const bad[] = {
		"",
		"pid 42\n",
		"start 7\n",
		"pid 42\nstart 7",
		"pid 1\nstart 7\n",
		"pid 42\nstart 7\nnode dri/renderD128 57984 5\n",
		"pid 42\nstart 7\nnode ../../etc/passwd 57984 5 6\n",
		"pid 42\nstart 7\nnode dri/renderD128 57984 5 6 7\n",
		"pid 42\nstart 7\nnode dri/renderD128 1 2 3\nnode dri/renderD128 1 2 3\n",
		"pid 42\nstart 7\nnode dri/card0 1 2 3\nname dri/card0 1 2 3\n",
		"pid 42\nstart 7\nname ../../etc/passwd 57984 5 6\n",
		"pid 42\nstart 7\nevil\n",
		"pid 42x\nstart 7\n",
		"pid 42\nstart 7\ngid 4294967295\n",
		"\npid 42\nstart 7\n",
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(text, bad[i]);
		if (state_parse(text, &w) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
	strcpy(text, "pid 42\nstart 7\ngid 1000\ndevices gpu\nlog /a b/lxc.log\n"
		     "node dri/renderD128 57984 5 6\nname dri/card0 57856 5 7\n");
	assert_int_equal(state_parse(text, &w), 0);
	assert_int_equal(w.pid, 42);
	assert_int_equal(w.start, 7);
	assert_int_equal(w.gid, 1000);
	assert_string_equal(w.devices, "gpu");
	assert_string_equal(w.log, "/a b/lxc.log");
	assert_int_equal(w.nodes.count, 2);
	assert_int_equal(w.nodes.node[0].rdev, 57984);
	assert_int_equal(w.nodes.node[0].ino, 6);
	assert_false(w.nodes.node[0].name_only);
	assert_int_equal(w.nodes.node[1].rdev, 57856);
	assert_int_equal(w.nodes.node[1].ino, 7);
	assert_true(w.nodes.node[1].name_only);
}

/* ------------------------------------------------------------------ report */

static size_t log_size(const char *name)
{
	struct stat st;

	return stat(in_dir(name), &st) == 0 ? (size_t)st.st_size : 0;
}

static void say_something(const char *path, int times)
{
	struct report rep;
	struct finding f;

	(void)finding_set(&f, 0, "step", ENOENT, "it is\ngone", NULL, "do this");
	report_open(&rep, "one", path);
	for (int i = 0; i < times; i++)
		report(&rep, REPORT_INFO, &f);
	report_close(&rep);
}

static void findings_are_lines_of_the_instances_log(void **state)
{
	char line[256] = "";
	FILE *file;

	(void)state;
	if (geteuid() != 0)
		skip();
	put("lxc.log", "");
	say_something(in_dir("lxc.log"), 1);
	file = fopen(in_dir("lxc.log"), "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file));
	assert_int_equal(fgetc(file), EOF);
	(void)fclose(file);
	assert_memory_equal(line, "lxc one 20", 10);
	assert_int_equal(line[8 + 14], '.');
	assert_string_equal(strchr(line, '.') + 4,
			    " INFO     stremio-hook - step: it is?gone: No such file or directory "
			    "(do this)\n");
}

static void log_that_is_not_roots_own_is_left_alone(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	put("elsewhere", "");
	assert_int_equal(symlink(in_dir("elsewhere"), in_dir("link.log")), 0);
	say_something(in_dir("link.log"), 1);
	assert_int_equal(log_size("elsewhere"), 0);

	assert_int_equal(mkfifo(in_dir("fifo.log"), 0600), 0);
	say_something(in_dir("fifo.log"), 1);

	/* Nothing is created. */
	say_something(in_dir("hard.log"), 1);
	assert_int_equal(access(in_dir("hard.log"), F_OK), -1);

	put("lxc.log", "");
	assert_int_equal(chown(in_dir("lxc.log"), 65534, 65534), 0);
	say_something(in_dir("lxc.log"), 1);
	assert_int_equal(log_size("lxc.log"), 0);
	assert_int_equal(chown(in_dir("lxc.log"), 0, 0), 0);
	assert_int_equal(chmod(in_dir("lxc.log"), 0666), 0);
	say_something(in_dir("lxc.log"), 1);
	assert_int_equal(log_size("lxc.log"), 0);

	/* A directory that others may change. */
	assert_int_equal(chmod(in_dir("lxc.log"), 0600), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	say_something(in_dir("lxc.log"), 1);
	assert_int_equal(log_size("lxc.log"), 0);
	assert_int_equal(chmod(dir, 0775), 0);
	say_something(in_dir("lxc.log"), 1);
	assert_int_equal(log_size("lxc.log"), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	say_something(in_dir("lxc.log"), 1);
	assert_true(log_size("lxc.log") > 0);
}

/* /var/log is 0775 root:syslog on some systems. */
static void log_below_a_groups_directory_is_written(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(in_dir("etc"), 0755), 0);
	put("etc/group", "");
	assert_int_equal(chmod(dir, 0775), 0);
	say_something(in_dir("etc/group"), 1);
	assert_true(log_size("etc/group") > 0);
	assert_int_equal(truncate(in_dir("etc/group"), 0), 0);
	assert_int_equal(chmod(dir, 0777), 0);
	say_something(in_dir("etc/group"), 1);
	assert_int_equal(log_size("etc/group"), 0);
}

static void dates_are_those_of_the_calendar(void **state)
{
	static const struct {
		uint64_t seconds;
		const char *date;
	} known[] = {
		{0, "19700101000000.007"},	    {951782399, "20000228235959.007"},
		{951782400, "20000229000000.007"},  {951868800, "20000301000000.007"},
		{1709164800, "20240229000000.007"}, {1735689599, "20241231235959.007"},
		{1735689600, "20250101000000.007"}, {4107542399, "21000228235959.007"},
		{4107542400, "21000301000000.007"},
	};
	char date[CALENDAR_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		calendar_utc(known[i].seconds, 7, date);
		assert_string_equal(date, known[i].date);
	}
}

static void many_findings_stay_below_four_kib(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	put("lxc.log", "");
	say_something(in_dir("lxc.log"), 5000);
	assert_true(log_size("lxc.log") > 1000);
	assert_true(log_size("lxc.log") < 4096);
}

/* ------------------------------------------------------------------ owner */

static uid_t its_root;

static gid_t owner_of(const char *user, int expected)
{
	struct instance i = {
		.root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.root_uid = its_root,
		.root_gid = its_root,
	};
	struct finding f;
	gid_t gid = 0;

	assert_true(i.root >= 0);
	assert_int_equal(owner_gid(&i, user, &gid, &f), expected);
	close(i.root);
	return gid;
}

static void group_is_that_of_the_user_the_shim_chooses(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_dir("etc"), 0755), 0);
	assert_int_equal(owner_of("", 0), 65532);
	put("etc/passwd", "root:x:0:0::/:/bin/sh\nstremio:x:1000:1234::/:/bin/sh\n"
			  "other:x:7:8::/:/bin/sh\n");
	put("etc/group", "video:x:44:\n");
	assert_int_equal(owner_of("", 0), 1234);
	assert_int_equal(owner_of("other", 0), 8);
	assert_int_equal(owner_of("other:video", 0), 44);
	assert_int_equal(owner_of("4242:4343", 0), 4343);
	assert_int_equal(owner_of("root", 0), 0);
	assert_int_equal(owner_of("nobody-here", -ENOENT), 65532);
	put("etc/stremio-shim.args", "--user=7:99\n--\n/bin/true\n");
	assert_int_equal(owner_of("", 0), 99);
	/* The file is nearer to the command line than the environment. */
	assert_int_equal(owner_of("other", 0), 99);
}

static void files_that_are_none_count_as_empty(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_dir("etc"), 0755), 0);
	assert_int_equal(mkfifo(in_dir("etc/passwd"), 0666), 0);
	assert_int_equal(mkdir(in_dir("etc/group"), 0755), 0);
	assert_int_equal(owner_of("", 0), 65532);
	/* Out of the root: the same name inside it is meant, and it is not there. */
	assert_int_equal(remove(in_dir("etc/passwd")), 0);
	assert_int_equal(symlink("../../../../../../etc/passwd", in_dir("etc/passwd")), 0);
	assert_int_equal(owner_of("daemon", -ENOENT), 65532);
	/* Endless. */
	assert_int_equal(remove(in_dir("etc/passwd")), 0);
	put("etc/passwd", "stremio:x:1000:1234::/:/bin/sh\n");
	assert_int_equal(truncate(in_dir("etc/passwd"), (off_t)1 << 40), 0);
	assert_int_equal(owner_of("", 0), 65532);
}

static volatile sig_atomic_t was_late;

static void be_late(int signal)
{
	(void)signal;
	was_late = 1;
}

/* Opening a device alone can do something, and opening a FIFO can take for ever. */
static void what_is_no_regular_file_is_not_even_opened(void **state)
{
	char event[512];
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	const struct sigaction action = {.sa_handler = be_late};

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	(void)alarm(10);
	assert_int_equal(mkdir(in_dir("etc"), 0755), 0);
	assert_int_equal(mkfifo(in_dir("etc/passwd"), 0666), 0);
	assert_true(inotify_add_watch(watch, in_dir("etc/passwd"), IN_OPEN) >= 0);
	assert_int_equal(owner_of("", 0), 65532);
	assert_int_equal(read(watch, event, sizeof(event)), -1);
	assert_int_equal(errno, EAGAIN);
	(void)alarm(0);
	assert_false(was_late);
	close(watch);
}

static void what_its_root_may_not_read_is_not_read_for_it(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(in_dir("etc"), 0755), 0);
	assert_int_equal(chmod(dir, 0755), 0);
	put("etc/passwd", "stremio:x:1000:1234::/:/bin/sh\n");
	assert_int_equal(chmod(in_dir("etc/passwd"), 0600), 0);
	its_root = 1000000;
	assert_int_equal(owner_of("", 0), 65532);
	assert_int_equal(chown(in_dir("etc/passwd"), 1000000, 0), 0);
	assert_int_equal(owner_of("", 0), 1234);
	its_root = 0;
	/* And it is the host's root again. */
	assert_int_equal(setfsuid((uid_t)-1), 0);
	assert_int_equal(setfsgid((gid_t)-1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_file_is_read_strictly),
		cmocka_unit_test(dates_are_those_of_the_calendar),
		cmocka_unit_test_setup_teardown(log_below_a_groups_directory_is_written, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(what_is_no_regular_file_is_not_even_opened,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(what_its_root_may_not_read_is_not_read_for_it,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(findings_are_lines_of_the_instances_log, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(log_that_is_not_roots_own_is_left_alone, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(many_findings_stay_below_four_kib, make_dir,
						remove_dir),
		cmocka_unit_test_setup_teardown(group_is_that_of_the_user_the_shim_chooses,
						make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(files_that_are_none_count_as_empty, make_dir,
						remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
