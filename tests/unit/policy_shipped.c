// SPDX-License-Identifier: Apache-2.0
/* What the shipped policies must allow, and what they must never. */
#include <sys/prctl.h>
#include <sys/socket.h>

#include "policy_variants.h"

static uint32_t with_args(const struct variant *v, const char *name, const uint64_t args[6])
{
	uint32_t nr;

	if (call_number(v->aarch64 ? ARCH_AARCH64 : ARCH_X86_64, name, &nr) != CALL_FOUND)
		fail_msg("%s is unknown", name);
	return run(v, v->arch, nr, args).action;
}

static uint32_t by_name(const struct variant *v, const char *name)
{
	static const uint64_t zero[6];

	return with_args(v, name, zero);
}

/* Without any of these, engines, node or Stremio end at once. */
static void calls_whose_loss_is_fatal_are_allowed(void **state)
{
	static const char *const fatal[] = {
		"capset",
		"prctl",
		"prlimit64",
		"getrandom",
		"getresuid",
		"madvise",
		"eventfd2",
		"pipe2",
		"ftruncate",
		"epoll_pwait",
		"uname",
		"inotify_init1",
		"inotify_add_watch",
		"statx",
		"fdatasync",
		"execve",
		"exit_group",
		"clone",
		"futex",
		"mmap",
		"mprotect",
		"openat",
		"restart_syscall",
		"sendmmsg",
		"seccomp",
		"shmat",
		"semget",
		"semctl",
		"semtimedop",
		"rt_sigreturn",
		"newfstatat",
		"renameat2",
		"linkat",
		"kill",
	};
	size_t k;
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		for (k = 0; k < sizeof(fatal) / sizeof(fatal[0]); k++) {
			/* No window, no engine, no shared memory: the server's own set. */
			if (i >= 4 &&
			    (!strncmp(fatal[k], "s", 1) && strcmp(fatal[k], "statx") != 0 &&
			     strcmp(fatal[k], "sendmmsg") != 0))
				continue;
			if (i >= 4 && !strcmp(fatal[k], "capset"))
				continue;
			if (!strcmp(fatal[k], "prctl"))
				continue; /* argument 0 is no option */
			assert_int_equal(by_name(&variant[i], fatal[k]), ALLOW);
		}
	}
}

/* What x86_64 alone has, and calls that are judged by an argument. */
static void calls_whose_loss_is_fatal_are_allowed_with_their_arguments(void **state)
{
	static const char *const old[] = {"access", "readlink", "rename", "epoll_wait", "stat"};
	static const struct {
		const char *name;
		uint64_t arg0;
	} by_argument[] = {
		{"prctl", PR_SET_NAME}, {"prctl", PR_SET_SECCOMP}, {"socketpair", AF_UNIX},
		{"socket", AF_UNIX},	{"socket", AF_NETLINK},
	};
	size_t k;
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		for (k = 0; !variant[i].aarch64 && k < sizeof(old) / sizeof(old[0]); k++)
			assert_int_equal(by_name(&variant[i], old[k]), ALLOW);
		for (k = 0; k < sizeof(by_argument) / sizeof(by_argument[0]); k++) {
			const uint64_t args[6] = {by_argument[k].arg0};

			assert_int_equal(with_args(&variant[i], by_argument[k].name, args), ALLOW);
		}
	}
}

/*
 * No component of Stremio made one of these in any trace, and there is no reason to allow what
 * nobody calls: whatever the arguments, the answer is an error. (Namespaces and mounts, which
 * only sandboxes call, are below.)
 */
static void calls_that_no_component_makes_are_denied(void **state)
{
	static const char *const never[] = {
		"ptrace",
		"process_vm_readv",
		"process_vm_writev",
		"bpf",
		"perf_event_open",
		"userfaultfd",
		"keyctl",
		"add_key",
		"request_key",
		"io_uring_setup",
		"io_uring_enter",
		"io_uring_register",
		"io_setup",
		"io_destroy",
		"io_submit",
		"io_cancel",
		"io_getevents",
		"io_pgetevents",
		"kexec_load",
		"kexec_file_load",
		"init_module",
		"finit_module",
		"delete_module",
		"mknodat",
		"setns",
		"personality",
		"swapon",
		"swapoff",
		"reboot",
		"syslog",
		"acct",
		"quotactl",
		"quotactl_fd",
		"open_by_handle_at",
		"name_to_handle_at",
		"fanotify_init",
		"fanotify_mark",
		"move_pages",
		"migrate_pages",
		"mbind",
		"remap_file_pages",
		"clock_settime",
		"settimeofday",
		"adjtimex",
		"clock_adjtime",
		"sethostname",
		"setdomainname",
		"mq_open",
		"mq_unlink",
		"mq_timedsend",
		"mq_timedreceive",
		"mq_notify",
		"mq_getsetattr",
		"msgget",
		"msgsnd",
		"msgrcv",
		"msgctl",
		"setuid",
		"setgid",
		"setreuid",
		"setregid",
		"setresuid",
		"setresgid",
		"setfsuid",
		"setfsgid",
		"setgroups",
		"fchown",
		"fchownat",
		"fsopen",
		"fsconfig",
		"fsmount",
		"fspick",
		"move_mount",
		"open_tree",
		"mount_setattr",
		"memfd_secret",
		"lookup_dcookie",
		"vhangup",
		"nfsservctl",
		"pidfd_getfd",
		"process_madvise",
	};
	static const char *const never_on_x86[] = {"mknod", "chown",  "lchown",	   "uselib",
						   "iopl",  "ioperm", "modify_ldt"};
	static const uint64_t zero[6];
	static const uint64_t ones[6] = {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull};
	size_t k;
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		const struct variant *v = &variant[i];

		for (k = 0; k < sizeof(never) / sizeof(never[0]); k++)
			if (with_args(v, never[k], zero) == ALLOW ||
			    with_args(v, never[k], ones) == ALLOW)
				fail_msg("%s allows %s", v->file, never[k]);
		for (k = 0; !v->aarch64 && k < sizeof(never_on_x86) / sizeof(never_on_x86[0]); k++)
			if (with_args(v, never_on_x86[k], zero) == ALLOW ||
			    with_args(v, never_on_x86[k], ones) == ALLOW)
				fail_msg("%s allows %s", v->file, never_on_x86[k]);
	}
}

static void dangerous_calls_get_eperm(void **state)
{
	static const char *const danger[] = {
		"ptrace",
		"process_vm_readv",
		"process_vm_writev",
		"bpf",
		"perf_event_open",
		"userfaultfd",
		"keyctl",
		"add_key",
		"request_key",
		"io_uring_setup",
		"io_uring_enter",
		"io_uring_register",
		"kexec_load",
		"init_module",
		"finit_module",
		"delete_module",
		"mknodat",
		"setns",
		"personality",
		"swapon",
		"reboot",
		"syslog",
		"acct",
		"quotactl",
		"open_by_handle_at",
		"name_to_handle_at",
		"fanotify_init",
		"move_pages",
		"clock_settime",
		"settimeofday",
		"sethostname",
		"setuid",
		"setgroups",
		"pidfd_getfd",
		"memfd_secret",
		"vhangup",
	};
	static const char *const namespaces[] = {"unshare", "chroot", "mount", "umount2",
						 "pivot_root"};
	size_t k;
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		for (k = 0; k < sizeof(danger) / sizeof(danger[0]); k++)
			if (by_name(&variant[i], danger[k]) != ERRNO(EPERM))
				fail_msg("%s: %s is not refused with EPERM", variant[i].file,
					 danger[k]);
		assert_int_equal(by_name(&variant[i], "clone3"), ERRNO(ENOSYS));
		for (k = 0; k < 5; k++)
			assert_int_equal(by_name(&variant[i], namespaces[k]),
					 variant[i].userns_allow ? ALLOW : ERRNO(EPERM));
		assert_int_equal(by_name(&variant[i], "fsopen"),
				 ERRNO(variant[i].userns_allow ? ENOSYS : EPERM));
	}
}

/* Qt's has a key; what an X server would have to attach has none. The kernel reads 32 bits. */
static void a_shared_segment_without_a_key_cannot_be_had(void **state)
{
	static const uint64_t none[][6] = {{0}, {UINT64_C(1) << 32}};
	static const uint64_t key[][6] = {{0x5100000b}, {UINT32_MAX}, {UINT64_C(1) << 32 | 1}};
	size_t k;
	int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		for (k = 0; k < 2; k++)
			assert_int_equal(with_args(&variant[i], "shmget", none[k]), ERRNO(ENOSYS));
		/* The server's own set has no shared memory. */
		for (k = 0; k < 3 && i < 4; k++)
			assert_int_equal(with_args(&variant[i], "shmget", key[k]), ALLOW);
	}
}

static void the_filter_of_pid_1_executes_and_opens_nothing_new(void **state)
{
	static const char *const gone[] = {"execve", "execveat", "clone", "clone3", "socket",
					   "mmap",   "mprotect", "mount", "setns",  "prctl",
					   "ptrace", "unlinkat", "setuid"};
	size_t k;
	int i;

	(void)state;
	for (i = 8; i < VARIANTS; i++) {
		assert_true(variant[i].c.rs.supervisor);
		for (k = 0; k < sizeof(gone) / sizeof(gone[0]); k++)
			assert_int_not_equal(by_name(&variant[i], gone[k]), ALLOW);
	}
}

static void no_shipped_policy_kills(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < VARIANTS; i++)
		for (k = 0; k < variant[i].c.count; k++)
			if ((variant[i].c.code[k].code & 7) == BPF_RET &&
			    variant[i].c.code[k].k != ALLOW)
				assert_int_equal(variant[i].c.code[k].k & SECCOMP_RET_ACTION_FULL,
						 SECCOMP_RET_ERRNO);
}

static void canaries_answer_as_the_header_says(void **state)
{
	static const uint64_t ones[6] = {~0ull, ~0ull, ~0ull, ~0ull, ~0ull, ~0ull};
	struct policy p;
	int i;

	(void)state;
	for (i = 0; i < VARIANTS; i++) {
		const struct variant *v = &variant[i];

		codegen_describe(&v->c.rs, &p);
		assert_true(p.canary_enosys != POLICY_NO_CANARY);
		assert_int_equal(run(v, v->arch, p.canary_enosys, ones).action, ERRNO(ENOSYS));
		if (i < 8)
			assert_true(p.canary_eperm != POLICY_NO_CANARY);
		if (p.canary_eperm != POLICY_NO_CANARY)
			assert_int_equal(run(v, v->arch, p.canary_eperm, ones).action,
					 ERRNO(EPERM));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_whose_loss_is_fatal_are_allowed),
		cmocka_unit_test(calls_whose_loss_is_fatal_are_allowed_with_their_arguments),
		cmocka_unit_test(calls_that_no_component_makes_are_denied),
		cmocka_unit_test(dangerous_calls_get_eperm),
		cmocka_unit_test(a_shared_segment_without_a_key_cannot_be_had),
		cmocka_unit_test(the_filter_of_pid_1_executes_and_opens_nothing_new),
		cmocka_unit_test(no_shipped_policy_kills),
		cmocka_unit_test(canaries_answer_as_the_header_says),
	};

	return cmocka_run_group_tests(tests, compile_all, release_all);
}
