/* SPDX-License-Identifier: Apache-2.0 */
#include "xsetup.h"

#include <string.h>

#define COOKIE "MIT-MAGIC-COOKIE-1"
#define FAILED 0
#define SUCCESS 1
#define AUTHENTICATE 2 /* "further authentication required": nothing that a cookie leads to */
#define FORMAT_SIZE 8
#define SCREEN_SIZE 40 /* without its depths */

static void put_u16(uint8_t *at, size_t n)
{
	uint16_t v = (uint16_t)n;

	memcpy(at, &v, sizeof(v));
}

static unsigned int get_u16(const uint8_t *at)
{
	uint16_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static size_t padded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

size_t xsetup_request(const uint8_t *cookie, size_t len, uint8_t *buf)
{
	size_t name = len ? sizeof(COOKIE) - 1 : 0;
	size_t data = 12 + padded(name);

	memset(buf, 0, XSETUP_REQUEST_MAX);
	buf[0] = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B';
	put_u16(buf + 2, 11);
	put_u16(buf + 6, name);
	put_u16(buf + 8, len);
	memcpy(buf + 12, COOKIE, name);
	if (len)
		memcpy(buf + data, cookie, len);
	return data + padded(len);
}

void xsetup_prefix(const uint8_t *data, struct xsetup *s)
{
	size_t reason = data[1];

	s->answer = XSETUP_GARBAGE;
	s->screens = 0;
	s->wanted = 0;
	s->total = 4u * get_u16(data + 6);
	switch (data[0]) {
	case FAILED:
		/* Its length is in a byte of the prefix. */
		if (get_u16(data + 2) != 11 || reason > s->total)
			return;
		s->answer = XSETUP_REFUSED;
		s->wanted = reason;
		break;
	case AUTHENTICATE:
		s->answer = XSETUP_REFUSED;
		s->wanted = s->total < XSETUP_REASON_MAX ? s->total : XSETUP_REASON_MAX - 1;
		break;
	case SUCCESS:
		if (get_u16(data + 2) != 11 || s->total < XSETUP_FIXED)
			return;
		s->answer = XSETUP_SUCCESS;
		s->wanted = XSETUP_FIXED;
		break;
	default:
		break;
	}
}

void xsetup_success(const uint8_t *data, struct xsetup *s)
{
	size_t vendor = get_u16(data + 16);
	size_t formats = data[21];

	s->screens = data[20];
	if (!s->screens || XSETUP_FIXED + padded(vendor) + FORMAT_SIZE * formats +
					   (size_t)SCREEN_SIZE * s->screens >
				   s->total)
		s->answer = XSETUP_GARBAGE;
}
