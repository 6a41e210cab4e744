/* SPDX-License-Identifier: Apache-2.0 */
/* sys: system calls as they are, where a libc adds to them. */
#ifndef SHIM_SYS_H
#define SHIM_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/**
 * sys_open() - openat(2) with O_CLOEXEC, relative to the working directory.
 * @path: the file. @flags: access mode and O_* flags; none that creates a file.
 * musl's open(3) is another call on x86_64 and is followed by an fcntl(2); the
 * supervisor's own filter knows this one only.
 * Return: a descriptor or -errno.
 */
static inline int sys_open(const char *path, int flags)
{
	long fd = syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

/**
 * sys_stat(), sys_lstat(), sys_fstat() - stat(2) and the like, as the kernel has them on machines with
 * 64 bits, whose structure is the libc's; musl's take statx(2) into account, half a KiB of code.
 * Return: 0, or -1 with errno set.
 */
static inline int sys_stat(const char *path, struct stat *st)
{
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

static inline int sys_lstat(const char *path, struct stat *st)
{
	return (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

static inline int sys_fstat(int fd, struct stat *st)
{
	return (int)syscall(SYS_fstat, fd, st);
}

/** sys_fstatat() - fstatat(2), the same. */
static inline int sys_fstatat(int dir, const char *name, struct stat *st, int flags)
{
	return (int)syscall(SYS_newfstatat, dir, name, st, flags);
}

/** sys_pipe() - pipe2(2) with O_CLOEXEC; musl's goes without the flag where that fails. */
static inline int sys_pipe(int ends[2])
{
	return (int)syscall(SYS_pipe2, ends, O_CLOEXEC);
}

/** sys_fcntl() - fcntl(2) for commands with a number or nothing behind them. */
static inline int sys_fcntl(int fd, int command, int value)
{
	return (int)syscall(SYS_fcntl, fd, command, value);
}

/**
 * sys_fork() - fork(2) without a libc's handlers and locks, which are for threads.
 * Return: as fork(2).
 */
static inline pid_t sys_fork(void)
{
#ifdef __x86_64__
	return (pid_t)syscall(SYS_fork);
#else
	return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
#endif
}

/**
 * sys_quietly() - a system call with all its arguments ~0, past the libc: errno is left alone.
 * @nr: its number.
 * Return: what the kernel answers, a failure as -errno. Source: syscall(2).
 */
static inline long sys_quietly(long nr)
{
#ifdef __x86_64__
	register long r10 __asm__("r10") = -1;
	register long r8 __asm__("r8") = -1;
	register long r9 __asm__("r9") = -1;
	long r = nr;

	__asm__ volatile("syscall"
			 : "+a"(r)
			 : "D"(-1L), "S"(-1L), "d"(-1L), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = -1;
	register long x1 __asm__("x1") = -1;
	register long x2 __asm__("x2") = -1;
	register long x3 __asm__("x3") = -1;
	register long x4 __asm__("x4") = -1;
	register long x5 __asm__("x5") = -1;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
#endif
}

/** sys_now_ms() - CLOCK_MONOTONIC in milliseconds. */
static inline int64_t sys_now_ms(void)
{
	struct timespec ts = {0};

	/* The call, not the vDSO: that would be three pages more to fault in, for one look. */
	(void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

#endif
