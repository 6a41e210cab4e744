/* SPDX-License-Identifier: Apache-2.0 */
/* idmap: from ids inside an instance to the host's, by the kernel's own table. */
#ifndef HOOK_IDMAP_H
#define HOOK_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDMAP_RANGES_MAX 340 /* the kernel's own limit, user_namespaces(7) */
#define IDMAP_TEXT_MAX 16384 /* bytes: 340 lines of at most 36 */

struct id_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

struct idmap {
	size_t count;
	struct id_range range[IDMAP_RANGES_MAX];
};

/**
 * idmap_parse() - read a uid_map or gid_map.
 * @text: lines of `INSIDE OUTSIDE COUNT`, terminated by zero.
 * @out: the ranges; none when the process has no map yet.
 * Return: 0; -EINVAL (not such a text, a range beyond 2^32-2, ranges that overlap inside);
 * -E2BIG (more than the kernel allows). Source: user_namespaces(7).
 */
int idmap_parse(const char *text, struct idmap *out);

/**
 * idmap_shift() - what an id inside is on the host.
 * @inside: the id. @outside: out.
 * Return: 0 or -ENOENT when it has no mapping.
 */
int idmap_shift(const struct idmap *m, uint32_t inside, uint32_t *outside);

/**
 * idmap_reaches() - may somebody inside be this id of the host?
 * @outside: the id. Return: true or false.
 */
bool idmap_reaches(const struct idmap *m, uint32_t outside);

#endif
