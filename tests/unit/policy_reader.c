// SPDX-License-Identifier: Apache-2.0
/* The reader of compiled policy files refuses everything but what stremio-policy writes. */
#include "policy_common.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/file.h"
#include "policy/output.h"

static char dir[] = "/tmp/policy-test-XXXXXX";
static char path[300];
static char *good;
static size_t good_size;

static struct policy policy;
static struct policy_file_header head;
static struct sock_filter code[POLICY_MAX_INSNS];
static const char *why;

static int make_file(void **state)
{
	struct compiled c;
	struct policy p;
	FILE *f;

	(void)state;
	if (!mkdtemp(dir) ||
	    compile(&c, "shim/policy/stremio.policy", NULL, ARCH_X86_64, false) != 0)
		return -1;
	codegen_describe(&c.rs, &p);
	p.code = c.code;
	p.count = c.count;
	f = open_memstream(&good, &good_size);
	if (!f)
		return -1;
	write_bpf(f, &p);
	fclose(f);
	release(&c);
	snprintf(path, sizeof(path), "%s/x.bpf", dir);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	free(good);
	unlink(path);
	return rmdir(dir);
}

static void write_file(const void *data, size_t size, mode_t mode)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static int read_as(const char *name, uint32_t arch, uid_t owner)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

	assert_true(fd >= 0);
	why = NULL;
	memset(&policy, 0, sizeof(policy));
	rc = policy_file_read(fd, arch, owner, &policy, &head, code, &why);
	close(fd);
	return rc;
}

static int read_file(void)
{
	return read_as(path, AUDIT_ARCH_X86_64, geteuid());
}

/* The file with one place changed is refused for this reason. */
static void damaged(size_t at, const void *bytes, size_t n, int rc, const char *reason)
{
	char *copy = malloc(good_size);

	if (!copy)
		abort();
	memcpy(copy, good, good_size);
	memcpy(copy + at, bytes, n);
	write_file(copy, good_size, 0600);
	assert_int_equal(read_file(), rc);
	assert_string_equal(why, reason);
	free(copy);
}

static void a_good_file_gives_what_was_compiled(void **state)
{
	(void)state;
	write_file(good, good_size, 0644);
	assert_int_equal(read_file(), 0);
	assert_string_equal(policy.name, "stremio");
	assert_string_equal(policy.userns, "deny");
	assert_int_equal(policy.arch, AUDIT_ARCH_X86_64);
	assert_int_equal(policy.flags, 0);
	assert_int_equal(policy.count * 8u + 64, good_size);
	assert_memory_equal(policy.code, good + 64, good_size - 64);
	assert_int_equal(policy.canary_enosys, 435);
	assert_int_equal(policy.canary_eperm, 308);
	assert_null(why);
	assert_int_equal(read_as(path, 0, geteuid()), 0);
}

static void a_truncated_file_is_refused_at_every_length(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < good_size; n += n < 80 ? 1 : 7) {
		write_file(good, n, 0600);
		assert_int_equal(read_file(), -EINVAL);
		assert_string_equal(why, "truncated");
	}
}

static void trailing_bytes_and_oversized_files_are_refused(void **state)
{
	const uint32_t more = 4097, huge = 0xffffffff, none = 0;
	char *big = calloc(1, 100000);

	(void)state;
	assert_non_null(big);
	memcpy(big, good, good_size);
	write_file(big, good_size + 1, 0600);
	assert_int_equal(read_file(), -EINVAL);
	assert_string_equal(why, "trailing bytes");
	write_file(big, 100000, 0600);
	assert_int_equal(read_file(), -EINVAL);
	assert_string_equal(why, "trailing bytes");
	free(big);
	damaged(16, &more, 4, -EINVAL, "more than 4096 instructions");
	damaged(16, &huge, 4, -EINVAL, "more than 4096 instructions");
	damaged(16, &none, 4, -EINVAL, "no instructions");
}

static void a_damaged_header_is_refused(void **state)
{
	const uint32_t arm = AUDIT_ARCH_AARCH64, i386 = AUDIT_ARCH_I386, one = 1;
	const uint16_t two = 2, flags = 4;
	char name[32];

	(void)state;
	damaged(0, "X", 1, -EINVAL, "not a compiled policy");
	damaged(7, "\r", 1, -EINVAL, "not a compiled policy");
	damaged(0, "\177ELF", 4, -EINVAL, "not a compiled policy");
	damaged(8, &two, 2, -ENOTSUP, "unknown format version");
	damaged(10, &flags, 2, -EINVAL, "unknown flags");
	damaged(28, &one, 4, -EINVAL, "unknown flags");
	damaged(12, &arm, 4, -ENOEXEC, "compiled for another architecture");
	damaged(12, &i386, 4, -EINVAL, "unknown architecture");
	memset(name, 'a', sizeof(name));
	damaged(32, name, 32, -EINVAL, "the policy's name is damaged");
	damaged(32, "\033[2J", 4, -EINVAL, "the policy's name is damaged");
	damaged(32, "", 1, -EINVAL, "the policy's name is damaged");
	damaged(63, "x", 1, -EINVAL, "the policy's name is damaged");
	damaged(33, "\"", 1, -EINVAL, "the policy's name is damaged");
}

static void files_that_others_could_have_written_are_refused(void **state)
{
	static const mode_t modes[] = {0620, 0602, 0666, 0777, 0660};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file(good, good_size, modes[i]);
		assert_int_equal(read_file(), -EPERM);
		assert_string_equal(why, "writable by group or others");
	}
	write_file(good, good_size, 0644);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, 0), 0);
		assert_int_equal(read_as(path, AUDIT_ARCH_X86_64, 12345), 0);
		assert_int_equal(read_as(path, AUDIT_ARCH_X86_64, 0), -EPERM);
	} else {
		assert_int_equal(read_as(path, AUDIT_ARCH_X86_64, geteuid() + 1), -EPERM);
	}
	assert_int_equal(read_as(path, AUDIT_ARCH_X86_64, 54321), -EPERM);
	assert_string_equal(why, "owned neither by root nor by the caller");
}

static void what_is_no_regular_file_is_refused(void **state)
{
	char fifo[310];

	(void)state;
	assert_int_equal(read_as(dir, AUDIT_ARCH_X86_64, geteuid()), -EINVAL);
	assert_string_equal(why, "not a regular file");
	assert_int_equal(read_as("/dev/zero", AUDIT_ARCH_X86_64, geteuid()), -EINVAL);
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(read_as(fifo, AUDIT_ARCH_X86_64, geteuid()), -EINVAL);
	unlink(fifo);
	assert_int_equal(policy_file_read(-1, 0, 0, &policy, &head, code, &why), -EBADF);
}

static void code_is(const struct sock_filter *f, uint32_t n, const char *reason)
{
	why = NULL;
	assert_int_equal(policy_code_check(f, n, AUDIT_ARCH_X86_64, &why), reason ? -EINVAL : 0);
	if (reason)
		assert_string_equal(why, reason);
}

/* A load and check of the architecture, one instruction to judge, two returns. */
static void insn_is(struct sock_filter insn, const char *reason)
{
	struct sock_filter f[] = {{0x20, 0, 0, 4},
				  {0x15, 0, 2, AUDIT_ARCH_X86_64},
				  insn,
				  {0x06, 0, 0, ALLOW},
				  {0x06, 0, 0, ERRNO(ENOSYS)}};

	code_is(f, 5, reason);
}

static void instructions_that_seccomp_or_the_compiler_lack_are_refused(void **state)
{
	unsigned int op, good_ops = 0;

	(void)state;
	for (op = 0; op <= 0xffff; op++) {
		struct sock_filter f[] = {{0x20, 0, 0, 4},
					  {0x15, 0, 2, AUDIT_ARCH_X86_64},
					  {(uint16_t)op, 0, 0, 0},
					  {0x06, 0, 0, ALLOW},
					  {0x06, 0, 0, ERRNO(ENOSYS)}};

		good_ops += policy_code_check(f, 5, AUDIT_ARCH_X86_64, &why) == 0;
	}
	/* Load, AND, JA, JEQ, JGT, JGE, JSET, and a return of 0, which is KILL_THREAD: refused. */
	assert_int_equal(good_ops, 7);
	insn_is((struct sock_filter){0x20, 0, 0, 60}, NULL);
	insn_is((struct sock_filter){0x20, 0, 0, 64}, "load outside struct seccomp_data");
	insn_is((struct sock_filter){0x20, 0, 0, 0xfffffffc}, "load outside struct seccomp_data");
	insn_is((struct sock_filter){0x20, 0, 0, 2}, "load outside struct seccomp_data");
	insn_is((struct sock_filter){0x05, 0, 0, 1}, NULL);
	insn_is((struct sock_filter){0x05, 0, 0, 2}, "jump out of the program");
	insn_is((struct sock_filter){0x05, 0, 0, 0xffffffff}, "jump out of the program");
	insn_is((struct sock_filter){0x15, 1, 1, 0}, NULL);
	insn_is((struct sock_filter){0x15, 2, 0, 0}, "jump out of the program");
	insn_is((struct sock_filter){0x35, 0, 255, 0}, "jump out of the program");
	insn_is((struct sock_filter){0x06, 0, 0, SECCOMP_RET_KILL_PROCESS}, NULL);
	insn_is((struct sock_filter){0x06, 0, 0, SECCOMP_RET_TRACE}, "unknown action");
	insn_is((struct sock_filter){0x06, 0, 0, SECCOMP_RET_USER_NOTIF}, "unknown action");
	insn_is((struct sock_filter){0x06, 0, 0, SECCOMP_RET_TRAP}, "unknown action");
	insn_is((struct sock_filter){0x06, 0, 0, SECCOMP_RET_LOG}, "unknown action");
	insn_is((struct sock_filter){0x06, 0, 0, SECCOMP_RET_ALLOW | 1}, "unknown action");
	insn_is((struct sock_filter){0x06, 0, 0, ERRNO(0)}, "unknown action");
	insn_is((struct sock_filter){0x06, 0, 0, ERRNO(4095)}, NULL);
	insn_is((struct sock_filter){0x06, 0, 0, ERRNO(4096)}, "unknown action");
}

static void programs_that_do_not_return_or_skip_the_architecture_are_refused(void **state)
{
	struct sock_filter f[] = {{0x20, 0, 0, 4},
				  {0x15, 0, 1, AUDIT_ARCH_X86_64},
				  {0x06, 0, 0, ALLOW},
				  {0x06, 0, 0, ERRNO(ENOSYS)}};

	(void)state;
	code_is(f, 4, NULL);
	code_is(f, 3, "bad number of instructions");
	code_is(f, 0, "bad number of instructions");
	f[3].code = 0x54;
	code_is(f, 4, "the last instruction does not return");
	f[3].code = 0x06;
	f[0].k = 0;
	code_is(f, 4, "the architecture is not checked first");
	f[0].k = 4;
	f[1].k = AUDIT_ARCH_AARCH64;
	code_is(f, 4, "the architecture is not checked first");
	f[1].k = AUDIT_ARCH_X86_64;
	f[1].code = 0x35;
	code_is(f, 4, "the architecture is not checked first");
}

static void a_file_of_random_bits_never_gets_through_by_chance(void **state)
{
	uint64_t seed = 7;
	char *copy = malloc(good_size);
	int i, taken = 0;

	(void)state;
	assert_non_null(copy);
	for (i = 0; i < 400; i++) {
		memcpy(copy, good, good_size);
		for (size_t k = 0; k < 40; k++)
			copy[draw(&seed) % good_size] ^= (char)(1 << (draw(&seed) & 7));
		write_file(copy, good_size, 0600);
		taken += read_file() == 0;
	}
	/* Forty flipped bits in all-good files: a value or a jump may still be well formed, a
	 * file in which all forty are should not be seen. */
	assert_int_equal(taken, 0);
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_gives_what_was_compiled),
		cmocka_unit_test(a_truncated_file_is_refused_at_every_length),
		cmocka_unit_test(trailing_bytes_and_oversized_files_are_refused),
		cmocka_unit_test(a_damaged_header_is_refused),
		cmocka_unit_test(files_that_others_could_have_written_are_refused),
		cmocka_unit_test(what_is_no_regular_file_is_refused),
		cmocka_unit_test(instructions_that_seccomp_or_the_compiler_lack_are_refused),
		cmocka_unit_test(programs_that_do_not_return_or_skip_the_architecture_are_refused),
		cmocka_unit_test(a_file_of_random_bits_never_gets_through_by_chance),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
