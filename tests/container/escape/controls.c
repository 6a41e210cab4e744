/* SPDX-License-Identifier: Apache-2.0 */
/* What an application does all day: if these are blocked, blocked attempts prove nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "escape.h"

static int seven(void *arg)
{
	(void)arg;
	return 7;
}

static void fork_and_wait(struct run *r)
{
	int status = in_child(seven, NULL);

	if (status == 7)
		reached(r, "a child ended with 7");
	blocked(r, "status %d", status);
}

static void *set_flag(void *arg)
{
	*(int *)arg = 1;
	return NULL;
}

static void thread(struct run *r)
{
	pthread_t t;
	int flag = 0;

	if (pthread_create(&t, NULL, set_flag, &flag) || pthread_join(t, NULL) || !flag)
		blocked(r, "no thread");
	reached(r, "a thread ran");
}

static int exec_self(void *arg)
{
	(void)arg;
	close(1);
	(void)open("/dev/null", O_WRONLY);
	execl("/proc/self/exe", "escape", "--gain", (char *)NULL);
	return 126;
}

static void execute(struct run *r)
{
	int status = in_child(exec_self, NULL);

	if (status)
		blocked(r, "status %d", status);
	reached(r, "a program ran");
}

static void own_proc(struct run *r)
{
	long long n = status_value("self", "Threads", 10);

	if (n != 1)
		blocked(r, "/proc/self/status: %lld", n);
	reached(r, "/proc/self/status was read");
}

static void own_environ(struct run *r)
{
	char buf[64];

	if (slurp("/proc/self/environ", buf, sizeof(buf)) < 0)
		blocked(r, "/proc/self/environ");
	reached(r, "/proc/self/environ was read");
}

static void write_file(struct run *r)
{
	const char *dir = r->attempt->text ? r->attempt->text : getenv("HOME");
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/escape-XXXXXX", dir ? dir : "");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0 || write(fd, "x", 1) != 1)
		blocked(r, "%s: %s", dir ? dir : "no HOME", errno_name(errno));
	(void)unlink(path);
	reached(r, "a file was written in %s", dir);
}

static void pair(struct run *r)
{
	char byte = 0;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0 || write(fds[0], "x", 1) != 1 ||
	    read(fds[1], &byte, 1) != 1 || byte != 'x')
		blocked(r, "%s", errno_name(errno));
	reached(r, "a byte went through a socket pair");
}

static void tcp(struct run *r)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t len = sizeof(a);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (server < 0 || client < 0 || bind(server, (struct sockaddr *)&a, len) < 0 ||
	    listen(server, 1) < 0 || getsockname(server, (struct sockaddr *)&a, &len) < 0 ||
	    connect(client, (struct sockaddr *)&a, len) < 0)
		blocked(r, "%s (is the loopback interface up?)", errno_name(errno));
	reached(r, "a TCP connection over the loopback interface");
}

static void netlink_route(struct run *r)
{
	if (socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE) < 0)
		blocked(r, "%s", errno_name(errno));
	reached(r, "a NETLINK_ROUTE socket");
}

static void watch(struct run *r)
{
	int fd = inotify_init1(IN_CLOEXEC);

	if (fd < 0 || inotify_add_watch(fd, "/tmp", IN_CREATE) < 0)
		blocked(r, "%s", errno_name(errno));
	reached(r, "a watch on /tmp");
}

static void poller(struct run *r)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct itimerspec t = {.it_value = {.tv_nsec = 1000000}};
	struct epoll_event e = {.events = EPOLLIN};

	if (fd < 0 || timer < 0 || timerfd_settime(timer, 0, &t, NULL) < 0 ||
	    epoll_ctl(fd, EPOLL_CTL_ADD, timer, &e) < 0 || epoll_wait(fd, &e, 1, 1000) != 1)
		blocked(r, "%s", errno_name(errno));
	reached(r, "a timer was waited for");
}

static void shared_memory(struct run *r)
{
	int fd = (int)syscall(SYS_memfd_create, "escape", 1U);
	void *p;

	if (fd < 0 || ftruncate(fd, 4096) < 0)
		blocked(r, "%s", errno_name(errno));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		blocked(r, "%s", errno_name(errno));
	reached(r, "shared memory");
}

static void random_bytes(struct run *r)
{
	char buf[16];

	if (getrandom(buf, sizeof(buf), 0) != (ssize_t)sizeof(buf))
		blocked(r, "%s", errno_name(errno));
	reached(r, "random bytes");
}

static void kill_child(struct run *r)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		pause();
		_exit(0);
	}
	if (pid < 0 || kill(pid, SIGTERM) < 0 || waitpid(pid, &status, 0) < 0)
		blocked(r, "%s", errno_name(errno));
	reached(r, "its own child was ended");
}

static void name_thread(struct run *r)
{
	char name[16] = "";

	if (prctl(PR_SET_NAME, "renamed") < 0 || prctl(PR_GET_NAME, name) < 0 ||
	    strcmp(name, "renamed") != 0)
		blocked(r, "%s", errno_name(errno));
	reached(r, "the thread has a name");
}

static void window_size(struct run *r)
{
	struct winsize w;
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		skip(r, "/dev/ptmx: %s", errno_name(errno));
	if (ioctl(fd, TIOCGWINSZ, &w) < 0)
		blocked(r, "%s", errno_name(errno));
	reached(r, "the size of a terminal");
}

#define OK(name, what, function, text)                               \
	{                                                            \
		"control." name, what, function, 0, text, CONTROL, 0 \
	}

const struct attempt attempts_controls[] = {
	OK("fork", "fork and wait", fork_and_wait, NULL),
	OK("thread", "a thread", thread, NULL),
	OK("exec", "execute a program", execute, NULL),
	OK("proc", "read /proc/self/status", own_proc, NULL),
	OK("environ", "read its own environment", own_environ, NULL),
	OK("home", "write in its home directory", write_file, NULL),
	OK("tmp", "write in /tmp", write_file, "/tmp"),
	OK("shm", "write in /dev/shm", write_file, "/dev/shm"),
	OK("socketpair", "a socket pair", pair, NULL),
	OK("tcp", "TCP to itself", tcp, NULL),
	OK("netlink-route", "the list of interfaces", netlink_route, NULL),
	OK("inotify", "watch a directory", watch, NULL),
	OK("epoll", "wait for a timer", poller, NULL),
	OK("memfd", "shared memory", shared_memory, NULL),
	OK("random", "random bytes", random_bytes, NULL),
	OK("kill", "end its own child", kill_child, NULL),
	OK("name", "name a thread", name_thread, NULL),
	OK("ioctl", "an ioctl of a terminal", window_size, NULL),
	{0},
};
