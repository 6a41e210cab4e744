// SPDX-License-Identifier: Apache-2.0
/* What the policy language takes, and how it says what it does not. */
#include "policy_common.h"

#include <sys/stat.h>
#include <unistd.h>

/* The text is refused and the message contains each of the words. */
static void refused_for(const char *text, enum arch_id arch, bool userns_allow, const char *where,
			const char *what)
{
	struct compiled c;

	if (compile(&c, NULL, text, arch, userns_allow) != -EINVAL)
		fail_msg("taken: %s", text);
	if (!strstr(c.said, where) || !strstr(c.said, what))
		fail_msg("\"%s\" gives \"%s\", not \"%s\" and \"%s\"", text, c.said, where, what);
	release(&c);
}

static void refused(const char *text, const char *where, const char *what)
{
	refused_for(text, ARCH_X86_64, false, where, what);
}

static void taken(const char *text, enum arch_id arch, bool userns_allow)
{
	struct compiled c;

	if (compile(&c, NULL, text, arch, userns_allow) != 0)
		fail_msg("\"%s\" is refused: %s", text, c.said);
	release(&c);
}

static void a_typo_is_an_error_with_file_and_line(void **state)
{
	(void)state;
	refused(HEAD "allow read\nallow opneat\n", "t:4:", "opneat is no known system call");
	refused(HEAD "allow opneat\n", "t:3:", "did you mean openat?");
	refused(HEAD "alow read\n", "t:3:", "\"alow\" is no action");
	refused(HEAD "errno EPREM read\n", "t:3:", "EPREM");
	refused(HEAD "errno 1 read\n", "t:3:", "no error");
	refused(HEAD "errno\n", "t:3:", "no error");
	refused(HEAD "[x86-64] allow read\n", "t:3:", "x86-64");
	refused(HEAD "[userns=yes] allow read\n", "t:3:", "userns=yes");
	refused(HEAD "allow ioctl if arg1 low32 == TIOCSTY\nerrno EPERM ioctl\n",
		"t:3:", "TIOCSTY");
	refused(HEAD "@files = read opne\nallow @files\n", "t:3:", "opne");
	refused(HEAD "allow @fiels\n", "t:3:", "@fiels is not defined");
	refused(HEAD "role init\n", "t:3:", "role is application or supervisor");
	refused(HEAD "allow\n", "t:3:", "no system call");
	refused(HEAD "allow if arg0 == 1\n", "t:3:", "no system call");
	refused(HEAD "allow read write= \n", "t:3:", "write=");
}

static void a_wrong_line_of_another_variant_is_seen_when_that_is_checked(void **state)
{
	(void)state;
	taken(HEAD "[aarch64] allow opne\n", ARCH_X86_64, false);
	refused_for(HEAD "[aarch64] allow opne\n", ARCH_AARCH64, false, "t:3:", "opne");
	taken(HEAD "[userns=allow] allow opne\n", ARCH_X86_64, false);
	refused_for(HEAD "[userns=allow] allow opne\n", ARCH_X86_64, true, "t:3:", "opne");
	refused_for(HEAD "[x86_64 userns=allow] allow opne\n", ARCH_X86_64, true, "t:3:", "opne");
	taken(HEAD "[x86_64 userns=allow] allow opne\n", ARCH_AARCH64, true);
	refused(HEAD "[x86_64 aarch64] allow read\n", "t:3:", "second one of its kind");
	refused(HEAD "[x86_64]\n", "t:3:", "nothing follows");
	refused(HEAD "[x86_64 allow read\n", "t:3:", "condition");
}

static void calls_of_one_architecture_need_their_mark(void **state)
{
	(void)state;
	taken(HEAD "allow open\n", ARCH_X86_64, false);
	refused_for(HEAD "allow open\n", ARCH_AARCH64, false, "t:3:", "does not exist on aarch64");
	taken(HEAD "[x86_64] allow open\n", ARCH_AARCH64, false);
	taken(HEAD "allow open?\n", ARCH_AARCH64, false);
}

static void young_calls_are_optional_or_numbered(void **state)
{
	struct compiled c;

	(void)state;
	assert_int_equal(compile(&c, NULL, HEAD "allow no_such_call?\n", ARCH_X86_64, false), 0);
	assert_non_null(strstr(c.said, "t:3: note: no_such_call is unknown"));
	release(&c);
	assert_int_equal(answer(HEAD "allow no_such_call?\n", 462, 0, 0), ERRNO(ENOSYS));
	assert_int_equal(answer(HEAD "allow mseal=462\n", 462, 0, 0), ALLOW);
	assert_int_equal(answer(HEAD "allow clone3=435\n", 435, 0, 0), ALLOW);
	refused(HEAD "allow clone3=436\n", "t:3:", "clone3 is call 435");
	refused(HEAD "allow mseal=0\n", "t:3:", "call 0 of x86_64 is read, not mseal");
	refused(HEAD "allow mseal=1024\n", "t:3:", "below 1024");
	refused(HEAD "allow mseal=462?\n", "t:3:", "without ?");
	refused(HEAD "allow mseal=\n", "t:3:", "below 1024");
	refused(HEAD "allow mseal=462 youngest=462\n", "t:3:", "the same call number 462");
	refused_for(HEAD "allow open=5\n", ARCH_AARCH64, false, "t:3:", "does not exist");
}

static void conflicts_are_errors_and_not_silently_the_first_rule(void **state)
{
	(void)state;
	refused(HEAD "allow read\nallow read\n", "t:4:", "repeats t:3");
	refused(HEAD "allow read\nerrno EPERM read\n", "t:4:", "contradicts t:3 (allow)");
	refused(HEAD "allow read read\n", "t:3:", "repeats t:3");
	refused(HEAD "errno EPERM execve\n", "t:3:", "contradicts t:2");
	refused(HEAD "allow ioctl\nerrno EPERM ioctl if arg1 low32 == 1\n",
		"t:4:", "can never apply, t:3");
	refused(HEAD "allow ioctl if arg1 low32 == 1\nerrno EPERM ioctl if arg1 low32 == 1\n"
		     "allow ioctl\n",
		"t:4:", "contradicts t:3");
	refused(HEAD "allow ioctl if arg1 low32 == 1\nallow ioctl if arg1 low32 in 2 1\n"
		     "errno EPERM ioctl\n",
		"t:4:", "repeats t:3");
	refused(HEAD "allow ioctl if arg1 low32 == 1\nerrno EPERM ioctl if arg1 == 1\n"
		     "allow ioctl\n",
		"t:4:", "can never apply, t:3");
	refused(HEAD "errno EPERM ioctl if arg1 & 0xff == 0x12\n"
		     "allow ioctl if arg1 low32 == 0x5412 && arg2 == 0\nallow ioctl\n",
		"t:4:", "can never apply, t:3");
	refused(HEAD "default errno EPERM\n", "t:3:", "second default");
	refused(HEAD "role supervisor\nrole supervisor\n", "t:4:", "second role");
	refused(HEAD "@a = read\n@a = write\n", "t:4:", "already defined at t:3");
	refused(HEAD "@a += read\n", "t:3:", "not defined");
	refused("allow execve exit_group\n", "t:", "no default");
	refused("", "t:", "no default");
}

static void what_else_a_tested_call_gets_must_be_said(void **state)
{
	(void)state;
	refused(HEAD "allow ioctl if arg1 low32 == 1\n", "t:3:", "what else it gets is not said");
	taken(HEAD "allow ioctl if arg1 low32 == 1\nerrno ENOSYS ioctl\n", ARCH_X86_64, false);
}

static void tests_that_cannot_hold_are_errors(void **state)
{
	(void)state;
	refused(HEAD "allow ioctl if arg1 & 0xf0 == 1\nerrno EPERM ioctl\n",
		"t:3:", "can never equal");
	refused(HEAD "allow ioctl if arg1 low32 == 0x100000000\nerrno EPERM ioctl\n",
		"t:3:", "can never equal");
	refused(HEAD "allow ioctl if arg1 & 0x100000000 == 0\nerrno EPERM ioctl\n",
		"t:3:", "no mask of the low 32 bits");
	refused(HEAD "allow ioctl if arg1 & 0 == 0\nerrno EPERM ioctl\n", "t:3:", "no mask");
	refused(HEAD "allow ioctl if arg1 == 1 && arg1 == 2\nerrno EPERM ioctl\n",
		"t:3:", "contradict each other");
	refused(HEAD "allow ioctl if arg1 == 1 && arg1 low32 in 1 2\nerrno EPERM ioctl\n",
		"t:3:", "contradict each other");
	refused(HEAD "allow ioctl if arg6 == 1\nerrno EPERM ioctl\n", "t:3:", "arg0 .. arg5");
	refused(HEAD "allow ioctl if arg == 1\nerrno EPERM ioctl\n", "t:3:", "arg0 .. arg5");
	refused(HEAD "allow ioctl if arg1 = 1\nerrno EPERM ioctl\n", "t:3:", "a test is");
	refused(HEAD "allow ioctl if arg1 ==\nerrno EPERM ioctl\n", "t:3:", "no known value");
	refused(HEAD "allow ioctl if arg1 == 010\nerrno EPERM ioctl\n", "t:3:", "no known value");
	refused(HEAD "allow ioctl if arg1 == -1\nerrno EPERM ioctl\n", "t:3:", "no known value");
	refused(HEAD "allow ioctl if arg1 == 0x1ffffffffffffffff\nerrno EPERM ioctl\n",
		"t:3:", "no known value");
	refused(HEAD "allow ioctl if arg1 == 1 arg2 == 1\nerrno EPERM ioctl\n",
		"t:3:", "&& joins tests");
	refused(HEAD "allow ioctl if arg1 == 1 &&\nerrno EPERM ioctl\n", "t:3:", "arg0 .. arg5");
	refused(HEAD "allow ioctl if\nerrno EPERM ioctl\n", "t:3:", "arg0 .. arg5");
	refused(HEAD "allow ioctl if arg1 low32 in\nerrno EPERM ioctl\n", "t:3:", "a test is");
	refused(HEAD "allow ioctl if arg1 in 1 2\nerrno EPERM ioctl\n", "t:3:", "a test is");
	refused(HEAD "@a = ioctl if arg1 == 1\n", "t:3:", "a group has no tests");
}

static void execve_and_exit_group_cannot_be_denied(void **state)
{
	(void)state;
	refused("default errno ENOSYS\nallow exit_group\n", "t:",
		"execve would get the default, errno ENOSYS, but the filter is loaded before the "
		"command is executed");
	refused("default errno ENOSYS\nallow exit_group\nerrno EPERM execve\n",
		"t:3:", "execve must not be denied");
	refused("default errno ENOSYS\nallow exit_group\nallow execve if arg0 == 1\n"
		"errno EPERM execve\n",
		"t:4:", "execve must not be denied");
	refused("default allow\nkill exit_group\n", "t:2:", "exit_group must not be denied");
	refused("default errno EPERM\nallow execve\n", "t:", "a process cannot end");
	refused("role supervisor\ndefault errno EPERM\nallow execve\n",
		"t:", "a process cannot end");
	taken("role supervisor\ndefault errno EPERM\nallow exit_group\n", ARCH_X86_64, false);
	taken("default allow\n", ARCH_X86_64, false);
}

static void odd_text_is_refused_or_harmless(void **state)
{
	struct target t = {ARCH_X86_64, false};
	static char big[6000], many[3000];
	struct ruleset rs;
	int i;

	(void)state;
	taken("\n\n# nothing\n  \t\n" HEAD "#\n   allow\tread # why\nallow write#tight",
	      ARCH_X86_64, false);
	refused(HEAD "allow re\001ad\n", "t:3:", "control character (\\x01)");
	refused(HEAD "allow read\r\n", "t:3:", "control character (\\x0d)");
	assert_int_equal(ruleset_parse(&rs, "t", "a\0b\n", 4, t, NULL, NULL), -EINVAL);
	ruleset_free(&rs);
	memset(big, 'a', sizeof(big) - 1);
	refused(big, "t:1:", "longer than 4095 bytes");
	strcpy(many, "allow");
	for (i = 0; i < 257; i++)
		strcat(many, " read");
	refused(many, "t:1:", "more than 256 words");
	refused(HEAD "include\n", "t:3:", "include takes one file");
	refused(HEAD "include a b\n", "t:3:", "include takes one file");
	refused(HEAD "include /no/such/file\n",
		"t:3:", "cannot include /no/such/file: No such file");
	refused(HEAD "include /\n", "t:3:", "Is a directory");
	refused(HEAD "@\n@ = read\n", "t:3:", "a group is");
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void include_loops_end_with_an_error(void **state)
{
	char dir[] = "/tmp/policy-test-XXXXXX", path[300];
	static const char *const names[] = {"a.policy", "b.inc", "c.inc", "self.policy"};
	struct compiled c;
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(dir));
	put(dir, "a.policy", HEAD "include b.inc\n");
	put(dir, "b.inc", "include c.inc\n");
	put(dir, "c.inc", "# one\nallow read\ninclude a.policy\n");
	put(dir, "self.policy", HEAD "include ./self.policy\n");
	snprintf(path, sizeof(path), "%s/a.policy", dir);
	assert_int_equal(compile(&c, path, NULL, ARCH_X86_64, false), -EINVAL);
	assert_non_null(strstr(c.said, "/c.inc:3: "));
	assert_non_null(strstr(c.said, "a.policy includes itself through others"));
	release(&c);
	snprintf(path, sizeof(path), "%s/self.policy", dir);
	assert_int_equal(compile(&c, path, NULL, ARCH_X86_64, false), -EINVAL);
	assert_non_null(strstr(c.said, "self.policy:3: "));
	release(&c);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_typo_is_an_error_with_file_and_line),
		cmocka_unit_test(a_wrong_line_of_another_variant_is_seen_when_that_is_checked),
		cmocka_unit_test(calls_of_one_architecture_need_their_mark),
		cmocka_unit_test(young_calls_are_optional_or_numbered),
		cmocka_unit_test(conflicts_are_errors_and_not_silently_the_first_rule),
		cmocka_unit_test(what_else_a_tested_call_gets_must_be_said),
		cmocka_unit_test(tests_that_cannot_hold_are_errors),
		cmocka_unit_test(execve_and_exit_group_cannot_be_denied),
		cmocka_unit_test(odd_text_is_refused_or_harmless),
		cmocka_unit_test(include_loops_end_with_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
