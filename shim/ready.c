/* SPDX-License-Identifier: Apache-2.0 */
#include "ready.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define STEP "ready"
#define GUEST_API "/dev/incus/sock"

int ready_connect(enum ready when, bool init)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = GUEST_API};
	int err;
	int fd;

	if (when == READY_NO || (when == READY_AUTO && !init))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	err = errno;
	if (fd >= 0)
		close(fd);
	if (when == READY_YES)
		log_warn(STEP, err, "cannot reach Incus at", GUEST_API,
			 "incus config set NAME security.guestapi=true, or --ready=auto");
	return -1;
}

int ready_report(int fd)
{
	static const char request[] = "PATCH /1.0 HTTP/1.1\r\n"
				      "Host: incus\r\n"
				      "Content-Type: application/json\r\n"
				      "Content-Length: 17\r\n"
				      "Connection: close\r\n"
				      "\r\n"
				      "{\"state\":\"Ready\"}";

	if (fd < 0)
		return -1;
	if (write(fd, request, sizeof(request) - 1) == (ssize_t)sizeof(request) - 1)
		return fd;
	log_warn(STEP, errno, "cannot be reported at", GUEST_API, NULL);
	close(fd);
	return -1;
}

void ready_answer(int fd)
{
	static const char good[] = "HTTP/1.1 200";
	char answer[sizeof(good)];
	ssize_t n = read(fd, answer, sizeof(answer) - 1);

	close(fd);
	if (n == (ssize_t)sizeof(answer) - 1 && !memcmp(answer, good, sizeof(good) - 1))
		return;
	log_warn(STEP, n < 0 ? errno : 0, "was not accepted by Incus", NULL, NULL);
}
