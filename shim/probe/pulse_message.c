/* SPDX-License-Identifier: Apache-2.0 */
#include "pulse_message.h"

#include <errno.h>
#include <string.h>

/* Commands, tags and errors: PulseAudio's protocol-native.h, tagstruct.h, def.h. */
#define COMMAND_ERROR 0
#define COMMAND_REPLY 2
#define COMMAND_AUTH 8
#define ERROR_ACCESS 1
#define CONTROL_CHANNEL 0xffffffffu
#define VERSION 32
#define VERSION_MASK 0xffffu /* above are flags for shared memory */

static uint8_t *put_u32(uint8_t *at, uint32_t n)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(n >> (24 - 8 * i));
	return at + 4;
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint8_t *put_number(uint8_t *at, uint32_t n)
{
	*at = 'L';
	return put_u32(at + 1, n);
}

void pulse_auth(const uint8_t *cookie, uint8_t *buf)
{
	uint8_t *at = put_u32(buf, PULSE_AUTH_SIZE - PULSE_HEAD);

	at = put_u32(at, CONTROL_CHANNEL);
	memset(at, 0, 12);
	at = put_number(at + 12, COMMAND_AUTH);
	at = put_number(at, 0);
	at = put_number(at, VERSION);
	*at = 'x';
	at = put_u32(at + 1, PULSE_COOKIE);
	memcpy(at, cookie, PULSE_COOKIE);
}

int pulse_head(const uint8_t *head)
{
	static const uint8_t zero[12];
	uint32_t len = get_u32(head);

	if (get_u32(head + 4) != CONTROL_CHANNEL || memcmp(head + 8, zero, sizeof(zero)) != 0 ||
	    len < 15 || len > PULSE_BODY_MAX)
		return -EBADMSG;
	return (int)len;
}

enum pulse_answer pulse_body(const uint8_t *body, size_t len, uint32_t *version)
{
	if (len < 15 || body[0] != 'L' || body[5] != 'L' || body[10] != 'L' || get_u32(body + 6))
		return PULSE_GARBAGE;
	*version = get_u32(body + 11);
	switch (get_u32(body + 1)) {
	case COMMAND_REPLY:
		*version &= VERSION_MASK;
		return PULSE_WELCOME;
	case COMMAND_ERROR:
		return *version == ERROR_ACCESS ? PULSE_DENIED : PULSE_ERROR;
	default:
		return PULSE_GARBAGE;
	}
}
