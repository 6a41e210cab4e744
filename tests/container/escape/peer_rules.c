/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules that flatpak publishes for its applications, as BPF on standard output for
 * `bwrap --seccomp FD`: a list of what is refused, everything else is allowed. Written from its
 * documentation of which calls these are, for a comparison with what it really runs under.
 */
#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOW32 0xffffffffULL

static const char *const eperm[] = {
	/* the kernel's log, programs, accounting, quotas */
	"syslog",
	"uselib",
	"acct",
	"quotactl",
	/* key rings */
	"add_key",
	"keyctl",
	"request_key",
	/* memory placement */
	"move_pages",
	"mbind",
	"get_mempolicy",
	"set_mempolicy",
	"migrate_pages",
	/* namespaces and mounts */
	"unshare",
	"setns",
	"mount",
	"umount",
	"umount2",
	"pivot_root",
	"chroot",
	/* without --devel and --multiarch */
	"perf_event_open",
	"ptrace",
	"modify_ldt",
};

static const char *const enosys[] = {
	"clone3",   "open_tree", "move_mount", "fsopen",
	"fsconfig", "fsmount",	 "fspick",     "mount_setattr",
};

static int refuse(scmp_filter_ctx ctx, int err, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);
	int r;

	if (nr == __NR_SCMP_ERROR) {
		(void)fprintf(stderr, "peer_rules: %s: libseccomp does not know it\n", name);
		return 0;
	}
	r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO((unsigned int)err), nr, 0);
	/* A call that this machine never had. */
	return r == -EDOM ? 0 : r;
}

static int refuse_arguments(scmp_filter_ctx ctx)
{
	static const int families[] = {AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	unsigned int next = 0;
	int r;

	r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
			     SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_NEWUSER, CLONE_NEWUSER));
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, LOW32, TIOCSTI));
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
				     SCMP_A1(SCMP_CMP_MASKED_EQ, LOW32, 0x541C /* TIOCLINUX */));
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(personality), 1,
				     SCMP_A0(SCMP_CMP_NE, PER_LINUX));
	/* Socket families: those between the allowed ones, then everything above. */
	for (size_t i = 0; !r && i < sizeof(families) / sizeof(families[0]); i++) {
		for (; !r && next < (unsigned int)families[i]; next++)
			r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
					     SCMP_A0(SCMP_CMP_EQ, next));
		next = (unsigned int)families[i] + 1;
	}
	if (!r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1,
				     SCMP_A0(SCMP_CMP_GE, next));
	return r;
}

int main(void)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < sizeof(eperm) / sizeof(eperm[0]); i++)
		r = refuse(ctx, EPERM, eperm[i]);
	for (size_t i = 0; !r && i < sizeof(enosys) / sizeof(enosys[0]); i++)
		r = refuse(ctx, ENOSYS, enosys[i]);
	if (!r)
		r = refuse_arguments(ctx);
	if (!r)
		r = seccomp_export_bpf(ctx, STDOUT_FILENO);
	if (r)
		(void)fprintf(stderr, "peer_rules: %s\n", strerror(-r));
	seccomp_release(ctx);
	return r != 0;
}
