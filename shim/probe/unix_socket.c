/* SPDX-License-Identifier: Apache-2.0 */
#include "unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "report.h"

/* What may be waited for at most: what comes after must be told, too. */
static int patience_ms(void)
{
	return report_left_ms() * 3 / 4;
}

/*
 * A full queue is waited for, as a client would: one that a running server is about to empty is
 * no fault. A non-blocking connect(2) would fail at once, poll(2) does not know of the queue, and
 * so the time is limited by the socket's own (unix(7), SO_SNDTIMEO in socket(7)).
 */
static int connect_to(const struct sockaddr_un *a, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int ms = patience_ms();
	/* No time at all would stand for no limit. */
	const struct timeval most = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 + 1};
	int err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most)) == 0 &&
	    connect(fd, (const struct sockaddr *)a, len) == 0 &&
	    fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

int unix_connect(const char *path, bool abstract)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	struct stat st;
	int r;

	if (len + 1 >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path + (abstract ? 1 : 0), path, len);
	len += offsetof(struct sockaddr_un, sun_path) + 1;
	r = connect_to(&a, (socklen_t)len);
	/* connect(2) has the same answers for a file and for a socket. */
	if ((r == -ECONNREFUSED || r == -EACCES) && !abstract && stat(path, &st) == 0 &&
	    !S_ISSOCK(st.st_mode))
		return -ENOTSOCK;
	return r;
}

static int wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};
	int r = poll(&p, 1, patience_ms());

	return r < 0 ? -errno : r ? 0 : -ETIMEDOUT;
}

int unix_send(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
		int r;

		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		r = wait_for(fd, POLLOUT);
		if (r < 0)
			return r;
	}
	return 0;
}

int unix_receive(int fd, void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n = recv(fd, at, len, 0);
		int r;

		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN)
			return -errno;
		if (n > 0) {
			at += n;
			len -= (size_t)n;
			continue;
		}
		r = wait_for(fd, POLLIN);
		if (r < 0)
			return r;
	}
	return 0;
}

bool unix_gone(int err)
{
	return err == EPIPE || err == ECONNRESET;
}
