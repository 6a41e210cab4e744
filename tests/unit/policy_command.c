// SPDX-License-Identifier: Apache-2.0
/* stremio-policy as it is called: exit codes, messages, output formats. */
#include "policy_common.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef POLICY_TOOL
#define POLICY_TOOL "build/stremio-policy"
#endif

static char dir[] = "/tmp/policy-test-XXXXXX";
static char out[1 << 18]; /* what the last command printed, both streams */

/* Runs stremio-policy in the shell; %D in the arguments is the private directory. */
static int policy(const char *arguments)
{
	char line[2000], *p = line;
	size_t n;
	FILE *f;
	int status;

	p += sprintf(p, "%s ", POLICY_TOOL);
	for (; *arguments; arguments++) {
		if (!strncmp(arguments, "%D", 2)) {
			p += sprintf(p, "%s", dir);
			arguments++;
		} else {
			*p++ = *arguments;
		}
	}
	strcpy(p, " 2>&1");
	f = popen(line, "re");
	assert_non_null(f);
	n = fread(out, 1, sizeof(out) - 1, f);
	out[n] = '\0';
	status = pclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool said(const char *text)
{
	return strstr(out, text) != NULL;
}

static void put(const char *name, const char *text)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int begin(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	put("good.policy", HEAD "allow ioctl if arg1 low32 == TIOCGWINSZ\nerrno EPERM ioctl\n");
	put("other.policy", HEAD "allow ioctl if arg1 low32 == TCGETS\nerrno EPERM ioctl\n"
				 "errno EPERM ptrace\n");
	put("typo.policy", HEAD "\nallow opneat\n");
	put("noexec.policy", "default errno ENOSYS\nallow exit_group\n");
	put("odd name.policy", HEAD);
	return 0;
}

static int end(void **state)
{
	char line[100];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf %s", dir);
	return system(line);
}

static void usage_is_64(void **state)
{
	static const char *const wrong[] = {
		"",
		"frobnicate",
		"check",
		"compile %D/good.policy",
		"compile -o %D/x",
		"compile -o %D/x %D/good.policy %D/good.policy",
		"compile --arch=mips -o %D/x %D/good.policy",
		"compile --userns=maybe -o %D/x %D/good.policy",
		"compile --format=elf -o %D/x %D/good.policy",
		"compile --nonsense -o %D/x %D/good.policy",
		"compile %D/good.policy -o",
		"diff %D/good.policy",
		"check -f bpf %D/good.policy",
		"check -o %D/x %D/good.policy",
		"check --arch=aarch64 %D/good.policy",
		"diff -o %D/x %D/good.policy %D/good.policy",
		"diff -n x %D/good.policy %D/good.policy",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (policy(wrong[i]) != 64 || strncmp(out, "stremio-policy: usage: ", 23) != 0)
			fail_msg("stremio-policy %s: %s", wrong[i], out);
		/* One line. */
		assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
	}
}

static void help_is_0_and_names_every_option(void **state)
{
	static const char *const words[] = {"check",	"compile",  "list",   "diff",	  "--arch",
					    "--userns", "--format", "--name", "--output", "65"};
	size_t i;

	(void)state;
	assert_int_equal(policy("--help"), 0);
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		assert_true(said(words[i]));
	assert_int_equal(policy("compile -h"), 0);
}

static void a_wrong_policy_is_65_and_writes_nothing(void **state)
{
	(void)state;
	assert_int_equal(policy("check %D/typo.policy"), 65);
	assert_true(said("/typo.policy:4: opneat is no known system call"));
	assert_int_equal(policy("compile -o %D/never %D/typo.policy"), 65);
	assert_int_equal(policy("compile -o %D/never %D/noexec.policy"), 65);
	assert_true(said("before the command is executed"));
	assert_int_equal(policy("compile -o %D/never '%D/odd name.policy'"), 65);
	assert_true(said("(--name)"));
	assert_int_equal(policy("compile -n odd -o %D/odd '%D/odd name.policy'"), 0);
	assert_int_equal(policy("check %D/never"), 66);
	assert_true(said("No such file"));
}

static void an_input_or_output_that_cannot_be_had_is_66_or_73(void **state)
{
	(void)state;
	assert_int_equal(policy("check %D/none.policy"), 66);
	assert_int_equal(policy("check %D"), 66);
	assert_int_equal(policy("diff %D/good.policy %D/none.policy"), 66);
	assert_int_equal(policy("compile -o %D/no/such/dir %D/good.policy"), 73);
	assert_int_equal(policy("compile -o - %D/good.policy > /dev/full"), 73);
	assert_int_equal(policy("compile -o %D %D/good.policy"), 73);
}

static void every_format_says_the_same(void **state)
{
	(void)state;
	assert_int_equal(policy("list %D/good.policy"), 0);
	assert_true(said("ioctl"));
	assert_true(said("if arg1 low32 == TIOCGWINSZ"));
	assert_true(said("/good.policy:4\n"));
	assert_true(said("(any other)"));
	assert_int_equal(policy("compile -f json -o - %D/good.policy"), 0);
	assert_true(said("\"schema\":1,\"name\":\"good\""));
	assert_true(said("{\"arg\":1,\"mask\":\"0xffffffff\",\"value\":\"0x5413\"}"));
	assert_int_equal(policy("compile -f json -o - %D/good.policy | python3 -m json.tool"), 0);
	assert_int_equal(policy("compile -a aarch64 -u allow -f json -o - %D/good.policy"), 0);
	assert_true(said("\"arch\":\"aarch64\",\"userns\":\"allow\""));
	assert_int_equal(policy("compile -f c -o %D/good.h %D/good.policy && cc -std=c11 -Wall "
				"-Wextra -Werror -Wno-unused -fsyntax-only -x c %D/good.h"),
			 0);
	assert_int_equal(policy("compile -o %D/good.bpf %D/good.policy && ls -l %D/good.bpf"), 0);
	assert_true(said("-rw-r--r--"));
}

static void no_half_written_file_is_left(void **state)
{
	(void)state;
	assert_int_equal(policy("compile -o %D/one.bpf %D/good.policy && ls %D"), 0);
	assert_true(said("one.bpf\n"));
	assert_false(said("one.bpf."));
}

static void diff_compares_what_is_answered(void **state)
{
	(void)state;
	assert_int_equal(policy("diff %D/good.policy %D/good.policy"), 0);
	assert_string_equal(out, "");
	assert_int_equal(policy("compile -o %D/a.bpf %D/good.policy"), 0);
	assert_int_equal(policy("compile -o %D/b.bpf %D/other.policy"), 0);
	assert_int_equal(policy("diff %D/good.policy %D/a.bpf"), 0);
	assert_int_equal(policy("diff %D/a.bpf %D/b.bpf"), 1);
	assert_true(said("ioctl"));
	assert_true(said("arg1=0x54"));
	assert_true(said("ptrace                    101  errno ENOSYS       errno EPERM"));
	/* Written in another way, meaning the same. */
	put("same.policy", "default errno ENOSYS\n@x = exit_group execve\n"
			   "allow ioctl if arg1 & 0xffff == 0x5413 && arg1 low32 in TIOCGWINSZ\n"
			   "errno EPERM ioctl\nallow @x\n");
	assert_int_equal(policy("diff %D/same.policy %D/good.policy"), 0);
	put("same.policy", HEAD "allow ioctl if arg1 == TIOCGWINSZ\nerrno EPERM ioctl\n");
	assert_int_equal(policy("diff %D/same.policy %D/good.policy"), 1);
	assert_true(said("arg1=0x1"));
	assert_int_equal(policy("compile -a aarch64 -o %D/arm.bpf %D/good.policy"), 0);
	assert_int_equal(policy("diff %D/a.bpf %D/arm.bpf"), 65);
	assert_int_equal(policy("diff shim/policy/stremio.policy shim/policy/server.policy"), 1);
	assert_true(said("shmget"));
}

static void diff_refuses_a_damaged_file(void **state)
{
	(void)state;
	assert_int_equal(policy("compile -o - %D/good.policy | head -c 100 > %D/cut.bpf"), 0);
	assert_int_equal(policy("diff %D/cut.bpf %D/good.policy"), 65);
	assert_true(said("truncated"));
}

static void the_shipped_policies_are_good_in_all_variants(void **state)
{
	(void)state;
	assert_int_equal(policy("check shim/policy/*.policy"), 0);
	assert_true(said("stremio.policy: x86_64 userns=deny"));
	assert_true(said("server.policy: aarch64 userns=allow"));
	assert_true(said("init.policy: aarch64 userns=deny"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(usage_is_64),
		cmocka_unit_test(help_is_0_and_names_every_option),
		cmocka_unit_test(a_wrong_policy_is_65_and_writes_nothing),
		cmocka_unit_test(an_input_or_output_that_cannot_be_had_is_66_or_73),
		cmocka_unit_test(every_format_says_the_same),
		cmocka_unit_test(no_half_written_file_is_left),
		cmocka_unit_test(diff_compares_what_is_answered),
		cmocka_unit_test(diff_refuses_a_damaged_file),
		cmocka_unit_test(the_shipped_policies_are_good_in_all_variants),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
