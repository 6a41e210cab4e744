/* SPDX-License-Identifier: Apache-2.0 */
/* unix_socket: a conversation with a server of this machine, never longer than the time there is. */
#ifndef SHIM_PROBE_UNIX_SOCKET_H
#define SHIM_PROBE_UNIX_SOCKET_H

#include <stdbool.h>
#include <stddef.h>

/**
 * unix_connect() - connect to a stream socket.
 * @path: where; @abstract: it is a name of the abstract namespace (unix(7)).
 *
 * Return: a descriptor, non-blocking. -ENOTSOCK when the path is something else;
 * -ECONNREFUSED when nobody listens any more; -EAGAIN when somebody does and takes no
 * connections; -ENAMETOOLONG; other -errno of connect(2).
 */
int unix_connect(const char *path, bool abstract);

/**
 * unix_send() - send all of a message.
 * @fd: from unix_connect(). @data, @len: the message.
 * Return: 0; -ETIMEDOUT; -EPIPE or -ECONNRESET when the other side has gone; other -errno.
 */
int unix_send(int fd, const void *data, size_t len);

/**
 * unix_receive() - receive exactly so many bytes.
 * @fd: from unix_connect(). @data: out. @len: how many.
 * Return: 0; -ETIMEDOUT; -ECONNRESET when the other side has gone, in good order or not;
 * other -errno. Descriptors that come along are not taken.
 */
int unix_receive(int fd, void *data, size_t len);

/** unix_gone() - is this error the other side's going away? Return: true or false. */
bool unix_gone(int err);

#endif
