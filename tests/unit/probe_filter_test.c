/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe's own filter leaves to a process that a server or a driver has taken over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "bpf_sim.h"
#include "policy/policy.h"
#include "probe-deny.h"

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#define OTHER_ARCH AUDIT_ARCH_I386
#else
#define ARCH AUDIT_ARCH_AARCH64
#define OTHER_ARCH AUDIT_ARCH_ARM
#endif
#define SNDRV_PCM_IOCTL_HW_PARAMS 0xc2604111u
#define SNDRV_CTL_IOCTL_ELEM_WRITE 0xc4c85513u
#define DRM_IOCTL_SET_MASTER 0x641eu
#define DRM_IOCTL_VERSION 0xc0406400u
#define TIOCSTI 0x5412u

static uint32_t answer(uint32_t arch, long call, uint64_t first, uint64_t second, uint64_t third)
{
	const struct seccomp_data data = {
		.nr = (int)call,
		.arch = arch,
		.args = {first, second, third},
	};
	struct sim_result r = bpf_sim(probe_deny_code, PROBE_DENY_COUNT, &data);

	assert_null(r.fault);
	return r.action;
}

static void what_harms_others_is_denied_and_kills_nobody(void **state)
{
	static const long calls[] = {
		SYS_execve,
		SYS_execveat,
		SYS_clone,
		SYS_clone3,
		SYS_ptrace,
		SYS_kill,
		SYS_tkill,
		SYS_tgkill,
		SYS_rt_sigqueueinfo,
		SYS_setpgid,
		SYS_setsid,
		SYS_process_vm_readv,
		SYS_process_vm_writev,
		SYS_unshare,
		SYS_setns,
		SYS_mount,
		SYS_umount2,
		SYS_setuid,
		SYS_setgid,
		SYS_setgroups,
		SYS_capset,
		SYS_bpf,
		SYS_io_uring_setup,
		SYS_userfaultfd,
		SYS_perf_event_open,
		SYS_keyctl,
		SYS_add_key,
		SYS_memfd_create,
		SYS_mkdirat,
		SYS_unlinkat,
		SYS_renameat2,
		SYS_linkat,
		SYS_symlinkat,
		SYS_fchmodat,
		SYS_fchownat,
		SYS_truncate,
		SYS_openat2,
		SYS_open_by_handle_at,
		SYS_pidfd_open,
		SYS_pidfd_getfd,
		SYS_seccomp,
		SYS_socketpair,
		SYS_accept4,
		SYS_inotify_init1,
#ifdef __x86_64__
		SYS_fork,
		SYS_vfork,
		SYS_unlink,
		SYS_mkdir,
		SYS_rename,
		SYS_chmod,
		SYS_chown,
		SYS_creat,
#endif
	};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if ((answer(ARCH, calls[i], 0, 0, 0) & SECCOMP_RET_ACTION_FULL) !=
		    SECCOMP_RET_ERRNO)
			fail_msg("call %ld is not answered with an error", calls[i]);
}

/* fcntl(2) makes the kernel send a signal of one's choice, also when a peer does something. */
static void nobody_is_sent_a_signal_by_way_of_a_descriptor(void **state)
{
	static const int commands[] = {F_SETOWN, F_SETOWN_EX, F_SETSIG, F_NOTIFY, F_SETLEASE};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_int_equal(answer(ARCH, SYS_fcntl, 3, (uint64_t)commands[i], 1),
				 SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(answer(ARCH, SYS_fcntl, 3, F_SETFL, O_NONBLOCK), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(ARCH, SYS_fcntl, 3, F_DUPFD_CLOEXEC, 0), SECCOMP_RET_ALLOW);
}

static void limits_are_its_own(void **state)
{
	(void)state;
	assert_int_equal(answer(ARCH, SYS_prlimit64, 0, 0, 1), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(ARCH, SYS_prlimit64, 2, 0, 1), SECCOMP_RET_ERRNO | EPERM);
}

static void files_are_looked_at_and_none_with_a_name_is_made(void **state)
{
	(void)state;
	assert_int_equal(answer(ARCH, SYS_openat, 0, 0, O_RDWR | O_NONBLOCK | O_NOFOLLOW),
			 SECCOMP_RET_ALLOW);
	assert_int_equal(answer(ARCH, SYS_openat, 0, 0, O_TMPFILE | O_RDWR), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(ARCH, SYS_openat, 0, 0, O_WRONLY | O_CREAT),
			 SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(answer(ARCH, SYS_openat, 0, 0, O_WRONLY | O_TRUNC),
			 SECCOMP_RET_ERRNO | EPERM);
	assert_int_equal(answer(ARCH, SYS_openat, 0, 0, O_WRONLY | O_APPEND),
			 SECCOMP_RET_ERRNO | EPERM);
}

static void devices_are_asked_and_not_set(void **state)
{
	(void)state;
	assert_int_equal(answer(ARCH, SYS_ioctl, 3, DRM_IOCTL_VERSION, 0), SECCOMP_RET_ALLOW);
	/* The kernel reads 32 bits of it. */
	assert_int_equal(answer(ARCH, SYS_ioctl, 3, (uint64_t)1 << 32 | DRM_IOCTL_VERSION, 0),
			 SECCOMP_RET_ALLOW);
	assert_int_equal(answer(ARCH, SYS_ioctl, 3, SNDRV_PCM_IOCTL_HW_PARAMS, 0),
			 SECCOMP_RET_ERRNO | ENOTTY);
	assert_int_equal(answer(ARCH, SYS_ioctl, 3, SNDRV_CTL_IOCTL_ELEM_WRITE, 0),
			 SECCOMP_RET_ERRNO | ENOTTY);
	assert_int_equal(answer(ARCH, SYS_ioctl, 3, DRM_IOCTL_SET_MASTER, 0),
			 SECCOMP_RET_ERRNO | ENOTTY);
	assert_int_equal(answer(ARCH, SYS_ioctl, 0, TIOCSTI, 0), SECCOMP_RET_ERRNO | ENOTTY);
}

static void sockets_lead_to_this_machine_only(void **state)
{
	(void)state;
	assert_int_equal(answer(ARCH, SYS_socket, AF_UNIX, SOCK_STREAM, 0), SECCOMP_RET_ALLOW);
	assert_int_equal(answer(ARCH, SYS_socket, AF_INET, SOCK_STREAM, 0),
			 SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	assert_int_equal(answer(ARCH, SYS_socket, AF_INET6, SOCK_DGRAM, 0),
			 SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	assert_int_equal(answer(ARCH, SYS_socket, AF_NETLINK, SOCK_RAW, 0),
			 SECCOMP_RET_ERRNO | EAFNOSUPPORT);
}

static void calls_of_another_architecture_are_denied(void **state)
{
	(void)state;
	for (int nr = 0; nr < 512; nr++)
		assert_int_not_equal(answer(OTHER_ARCH, nr, 0, 0, 0), SECCOMP_RET_ALLOW);
#ifdef __x86_64__
	for (int nr = 0; nr < 600; nr++)
		assert_int_not_equal(answer(ARCH, 0x40000000 | nr, 0, 0, 0), SECCOMP_RET_ALLOW);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_harms_others_is_denied_and_kills_nobody),
		cmocka_unit_test(nobody_is_sent_a_signal_by_way_of_a_descriptor),
		cmocka_unit_test(limits_are_its_own),
		cmocka_unit_test(files_are_looked_at_and_none_with_a_name_is_made),
		cmocka_unit_test(devices_are_asked_and_not_set),
		cmocka_unit_test(sockets_lead_to_this_machine_only),
		cmocka_unit_test(calls_of_another_architecture_are_denied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
