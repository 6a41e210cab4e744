/* SPDX-License-Identifier: Apache-2.0 */
/* New namespaces by three calls, other processes' namespaces by setns. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#define NS_GET_USERNS_ _IO(0xb7, 0x1)
#define NS_GET_PARENT_ _IO(0xb7, 0x2)

/* A processes's pid and time namespaces are those of its children. */
static ino_t inode(const char *pid, const char *kind)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/%s/ns/%s%s", pid, kind,
		       !strcmp(kind, "pid") || !strcmp(kind, "time") ? "_for_children" : "");
	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/*
 * Alone, which takes CAP_SYS_ADMIN, and with a user namespace, which brings it. For the kind
 * `user` both are the same.
 */
static void try_unshare(struct run *r)
{
	const char *kind = r->attempt->text;
	ino_t before = inode("self", kind);
	ino_t after;

	if (call(r, SYS_unshare, r->attempt->number) < 0 &&
	    call(r, SYS_unshare, r->attempt->number | CLONE_NEWUSER) < 0)
		refused(r);
	after = inode("self", kind);
	/* A pid namespace without a process has no name yet. */
	if (after != before)
		reached(r, "a new %s namespace", kind);
	blocked(r, "the kernel: it is still in the old %s namespace", kind);
}

struct clone_args_ {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

/* The child waits, so that its namespaces can be looked at; some only from its own side. */
static void judge_child(struct run *r, pid_t pid)
{
	const char *kind = r->attempt->text;
	char name[16], path[64];
	struct stat mine, theirs;

	(void)snprintf(name, sizeof(name), "%d", (int)pid);
	(void)snprintf(path, sizeof(path), "/proc/%s/ns/%s", name, kind);
	if (stat(path, &theirs) < 0)
		reached(r, "a child that may not be looked at");
	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	if (stat(path, &mine) == 0 && mine.st_ino != theirs.st_ino)
		reached(r, "a child in a new %s namespace", kind);
	blocked(r, "the kernel: the child is in the old %s namespace", kind);
}

static void try_clone(struct run *r)
{
	long flags = r->attempt->number;
	long pid = call(r, SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid < 0)
		pid = call(r, SYS_clone, flags | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0)
		refused(r);
	judge_child(r, (pid_t)pid);
}

static void try_clone3(struct run *r)
{
	struct clone_args_ args = {.flags = (uint64_t)r->attempt->number, .exit_signal = SIGCHLD};
	long pid = call(r, SYS_clone3, &args, sizeof(args));

	if (pid < 0) {
		args.flags |= CLONE_NEWUSER;
		pid = call(r, SYS_clone3, &args, sizeof(args));
	}
	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0)
		refused(r);
	judge_child(r, (pid_t)pid);
}

/* clone reads the low 32 bits of its flags: a filter that compares 64 lets these through. */
static void clone_high_bits(struct run *r)
{
	long pid = call(r, SYS_clone, 1L << 32 | CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		for (;;)
			pause();
	if (pid < 0)
		refused(r);
	judge_child(r, (pid_t)pid);
}

static void try_setns(struct run *r)
{
	char path[64];
	long fd, pidfd;

	(void)snprintf(path, sizeof(path), "/proc/1/ns/%s", r->attempt->text);
	fd = call(r, SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (call(r, SYS_setns, fd, 0) < 0)
			refused(r);
		reached(r, "joined PID 1's %s namespace", r->attempt->text);
	}
	/* The way round the link: a pidfd. */
	pidfd = call(r, SYS_pidfd_open, 1, 0);
	if (pidfd < 0 || call(r, SYS_setns, pidfd, r->attempt->number) < 0)
		refused(r);
	reached(r, "joined PID 1's %s namespace by pidfd", r->attempt->text);
}

/* The user namespace around this one, to be opened and joined. */
static void parent_of(struct run *r)
{
	long fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
	long up;

	if (fd < 0)
		skip(r, "/proc/self/ns/user: %s", errno_name(errno));
	up = call(r, SYS_ioctl, fd, r->attempt->number, 0);
	if (up < 0)
		refused(r);
	reached(r, "a descriptor of the user namespace above");
}

/* What makes a user namespace a way up: the kernel code behind its capabilities. */
static void become_root_inside(struct run *r)
{
	if (call(r, SYS_unshare, CLONE_NEWUSER | r->attempt->number) < 0)
		refused(r);
}

static void nested_mount(struct run *r)
{
	struct statfs fs;

	become_root_inside(r);
	if (call(r, SYS_mount, "none", "/tmp", "tmpfs", 0, "size=64k") < 0)
		refused(r);
	if (statfs("/tmp", &fs) == 0 && fs.f_blocks * (unsigned long)fs.f_bsize == 65536)
		reached(r, "a tmpfs of its own over /tmp");
	blocked(r, "the kernel: the mount is not to be seen");
}

static void nested_packet(struct run *r)
{
	become_root_inside(r);
	if (call(r, SYS_socket, AF_PACKET, SOCK_RAW, 0) < 0)
		refused(r);
	reached(r, "a packet socket in a network namespace of its own");
}

#define KINDS(call_name, function, kind_flags)                                              \
	{"namespace." call_name "-mnt",                                                     \
	 call_name " of a mount namespace",                                                 \
	 function,                                                                          \
	 CLONE_NEWNS,                                                                       \
	 "mnt",                                                                             \
	 BLOCK,                                                                             \
	 kind_flags},                                                                       \
		{"namespace." call_name "-pid",                                             \
		 call_name " of a pid namespace",                                           \
		 function,                                                                  \
		 CLONE_NEWPID,                                                              \
		 "pid",                                                                     \
		 BLOCK,                                                                     \
		 kind_flags},                                                               \
		{"namespace." call_name "-net",                                             \
		 call_name " of a network namespace",                                       \
		 function,                                                                  \
		 CLONE_NEWNET,                                                              \
		 "net",                                                                     \
		 BLOCK,                                                                     \
		 kind_flags},                                                               \
		{"namespace." call_name "-ipc",                                             \
		 call_name " of an ipc namespace",                                          \
		 function,                                                                  \
		 CLONE_NEWIPC,                                                              \
		 "ipc",                                                                     \
		 BLOCK,                                                                     \
		 kind_flags},                                                               \
		{"namespace." call_name "-uts",                                             \
		 call_name " of a uts namespace",                                           \
		 function,                                                                  \
		 CLONE_NEWUTS,                                                              \
		 "uts",                                                                     \
		 BLOCK,                                                                     \
		 kind_flags},                                                               \
		{"namespace." call_name "-cgroup",                                          \
		 call_name " of a cgroup namespace",                                        \
		 function,                                                                  \
		 CLONE_NEWCGROUP,                                                           \
		 "cgroup",                                                                  \
		 BLOCK,                                                                     \
		 kind_flags},                                                               \
	{                                                                                   \
		"namespace." call_name "-user", call_name " of a user namespace", function, \
			CLONE_NEWUSER, "user", BLOCK, kind_flags                            \
	}

const struct attempt attempts_namespaces[] = {
	KINDS("unshare", try_unshare, NEEDS_USERNS_DENY),
	{"namespace.unshare-time", "unshare of a time namespace", try_unshare, CLONE_NEWTIME,
	 "time", BLOCK, 0},
	KINDS("clone", try_clone, NEEDS_USERNS_DENY),
	{"namespace.clone-high-bits", "clone with a bit above the flags", clone_high_bits, 0,
	 "user", BLOCK, NEEDS_USERNS_DENY},
	KINDS("clone3", try_clone3, 0),
	{"namespace.clone3-time", "clone3 of a time namespace", try_clone3, CLONE_NEWTIME, "time",
	 BLOCK, 0},
	KINDS("setns", try_setns, 0),
	{"namespace.setns-time", "setns to a time namespace", try_setns, CLONE_NEWTIME, "time",
	 BLOCK, 0},
	{"namespace.parent", "the user namespace above (NS_GET_PARENT)", parent_of, NS_GET_PARENT_,
	 NULL, BLOCK, 0},
	{"namespace.owner", "the owner of the user namespace (NS_GET_USERNS)", parent_of,
	 NS_GET_USERNS_, NULL, BLOCK, 0},
	{"namespace.nested-mount", "mount in a user namespace of its own", nested_mount,
	 CLONE_NEWNS, NULL, BLOCK, NEEDS_USERNS_DENY},
	{"namespace.nested-packet", "AF_PACKET in a user namespace of its own", nested_packet,
	 CLONE_NEWNET, NULL, BLOCK, NEEDS_USERNS_DENY},
	{0},
};
