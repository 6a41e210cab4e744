/* SPDX-License-Identifier: Apache-2.0 */
/* pipewire_message: the first message of PipeWire's native protocol and its answer. */
#ifndef SHIM_PROBE_PIPEWIRE_MESSAGE_H
#define SHIM_PROBE_PIPEWIRE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define PIPEWIRE_HELLO_SIZE 40
#define PIPEWIRE_HEAD 16	/* bytes before each message */
#define PIPEWIRE_BODY_MAX 65536 /* the core's properties are some hundred bytes */

struct pipewire_head {
	uint32_t id;
	unsigned int opcode;
	size_t size; /* of the message behind it */
};

struct pipewire_core {
	char version[64]; /* of the server; empty when it tells none */
	char name[64];
};

/** pipewire_hello() - build Core::Hello. @buf: out, PIPEWIRE_HELLO_SIZE bytes. */
void pipewire_hello(uint8_t *buf);

/**
 * pipewire_head() - take apart what comes before a message.
 * @data: PIPEWIRE_HEAD bytes. @h: out. Return: 0, or -EBADMSG when it is none or too long.
 */
int pipewire_head(const uint8_t *data, struct pipewire_head *h);

/**
 * pipewire_core_info() - read the event Core::Info, which answers Hello.
 * @data, @len: the message. @core: out. Return: 0 or -EBADMSG.
 */
int pipewire_core_info(const uint8_t *data, size_t len, struct pipewire_core *core);

#endif
