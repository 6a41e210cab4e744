/* SPDX-License-Identifier: Apache-2.0 */
/* xauth: the cookie for a display of this machine, from the bytes of an Xauthority file. */
#ifndef SHIM_PROBE_XAUTH_H
#define SHIM_PROBE_XAUTH_H

#include <stddef.h>
#include <stdint.h>

#define XAUTH_COOKIE_MAX 256
#define XAUTH_HOST_MAX 256

enum xauth_outcome {
	XAUTH_FOUND,
	XAUTH_NO_ENTRY,	  /* none for this display */
	XAUTH_HOST_KEYED, /* one, but for the display of another host */
	XAUTH_EMPTY,	  /* no entry at all */
	XAUTH_BROKEN,	  /* the file breaks off or is none */
};

struct xauth {
	size_t len;
	uint8_t cookie[XAUTH_COOKIE_MAX];
	char host[XAUTH_HOST_MAX]; /* whose it is, when host-keyed */
};

/**
 * xauth_find() - do what libXau does for a local connection: the first MIT-MAGIC-COOKIE-1
 * that fits.
 * @data, @len: the file.
 * @number: of the display.
 * @hostname: this machine's, which entries of FamilyLocal must carry (Xau(3)).
 * @found: out; the cookie when there is one.
 *
 * Entries before one that breaks off count, as for libXau.
 */
enum xauth_outcome xauth_find(const uint8_t *data, size_t len, uint32_t number,
			      const char *hostname, struct xauth *found);

#endif
