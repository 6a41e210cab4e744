/* SPDX-License-Identifier: Apache-2.0 */
/* calendar: a date without the C library's time zones. */
#ifndef HOOK_CALENDAR_H
#define HOOK_CALENDAR_H

#include <stddef.h>
#include <stdint.h>

#define CALENDAR_SIZE sizeof("20240102030405.678")

/**
 * calendar_utc() - write a time as liblxc's log does, YYYYmmddHHMMSS.mmm, in UTC.
 * @seconds: since 1970, below 2^37. @ms: 0 to 999. @out: CALENDAR_SIZE bytes, terminated.
 *
 * gmtime_r(3) opens /etc/localtime at its first call, if only to know about leap seconds: in a
 * container's mount namespace that is a file of the container's, for host root to wait for and
 * to parse.
 */
void calendar_utc(uint64_t seconds, uint32_t ms, char *out);

#endif
