/* SPDX-License-Identifier: Apache-2.0 */
/* pulse_message: the first message of PulseAudio's native protocol and its answer. */
#ifndef SHIM_PROBE_PULSE_MESSAGE_H
#define SHIM_PROBE_PULSE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define PULSE_COOKIE 256    /* bytes, always */
#define PULSE_HEAD 20	    /* bytes before each packet */
#define PULSE_BODY_MAX 1024 /* an answer to AUTH has 15 */
#define PULSE_AUTH_SIZE (PULSE_HEAD + 5 + 5 + 5 + 5 + PULSE_COOKIE)

enum pulse_answer { PULSE_WELCOME, PULSE_DENIED, PULSE_ERROR, PULSE_GARBAGE };

/** pulse_auth() - build the AUTH command. @cookie: PULSE_COOKIE bytes. @buf: out, PULSE_AUTH_SIZE. */
void pulse_auth(const uint8_t *cookie, uint8_t *buf);

/**
 * pulse_head() - judge what comes before the answer.
 * @head: PULSE_HEAD bytes. Return: the length of the answer, or -EBADMSG.
 */
int pulse_head(const uint8_t *head);

/**
 * pulse_body() - judge the answer to AUTH.
 * @body, @len: the packet. @version: out, the server's protocol version, or its error code.
 */
enum pulse_answer pulse_body(const uint8_t *body, size_t len, uint32_t *version);

#endif
