/* SPDX-License-Identifier: Apache-2.0 */
/* server: what the checks of sound servers and compositors have in common. */
#ifndef SHIM_PROBE_SERVER_H
#define SHIM_PROBE_SERVER_H

#include "report.h"

/* The hint of each kind of failure, for one kind of server. */
struct server_hints {
	enum hint none, refused, forbidden, not_a_socket, silent, garbage;
};

/**
 * server_connect() - connect to a server's socket, or end the finding.
 * @path: the socket. @hints: of this kind of server. @bad: the status of a failure.
 * Return: a descriptor, or -1 when the finding has been ended.
 */
int server_connect(const char *path, const struct server_hints *hints, enum wire_status bad);

/**
 * server_failed() - end a finding whose conversation broke.
 * @err: errno of unix_send() or unix_receive(), EBADMSG for what is not of the protocol.
 */
void server_failed(int err, const struct server_hints *hints, enum wire_status bad);

/**
 * server_path() - a socket's path from a directory and a name.
 * @dir: a directory, NULL when it is not known. @name: absolute, or in that directory.
 * @path: out. @size: its room. Return: 0, -ENOENT (no directory), -ENAMETOOLONG.
 */
int server_path(const char *dir, const char *name, char *path, size_t size);

#endif
