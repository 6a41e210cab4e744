/* SPDX-License-Identifier: Apache-2.0 */
/* xsetup: the first message of an X connection and what may answer it ("X Window System
 * Protocol", chapter 8). In this machine's byte order, as the first byte says. */
#ifndef SHIM_PROBE_XSETUP_H
#define SHIM_PROBE_XSETUP_H

#include <stddef.h>
#include <stdint.h>

#define XSETUP_REQUEST_MAX 320 /* bytes, with a cookie of 256 */
#define XSETUP_PREFIX 8	       /* bytes that every answer begins with */
#define XSETUP_FIXED 32	       /* bytes of a success behind these, before its vendor's name */
#define XSETUP_REASON_MAX 256

enum xsetup_answer {
	XSETUP_SUCCESS,
	XSETUP_REFUSED, /* with a reason */
	XSETUP_GARBAGE, /* no X server speaks so */
};

struct xsetup {
	enum xsetup_answer answer;
	size_t wanted; /* bytes to read next: a reason, or XSETUP_FIXED */
	size_t total;  /* bytes of the whole answer behind the prefix */
	unsigned int screens;
};

/**
 * xsetup_request() - build the first message.
 * @cookie, @len: of MIT-MAGIC-COOKIE-1, at most 256 bytes; 0: no authorization.
 * @buf: out, XSETUP_REQUEST_MAX bytes. Return: how many of these.
 */
size_t xsetup_request(const uint8_t *cookie, size_t len, uint8_t *buf);

/** xsetup_prefix() - judge the first XSETUP_PREFIX bytes of the answer. @s: out. */
void xsetup_prefix(const uint8_t *data, struct xsetup *s);

/**
 * xsetup_success() - judge the next XSETUP_FIXED bytes of a success.
 * @data: these. @s: in, from xsetup_prefix(); out, its screens, or that it is garbage: parts
 * that do not fit into the whole.
 */
void xsetup_success(const uint8_t *data, struct xsetup *s);

#endif
