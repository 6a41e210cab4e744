/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire: what stremio-probe tells the shim, over its standard output, a pipe.
 *
 * Records of one size, each written by one write(2) and read whole: they stay below PIPE_BUF,
 * so the probe's processes share the pipe without mixing (pipe(7)). The reader believes
 * nothing: magic, ranges and termination are checked, texts are taken for hostile.
 */
#ifndef SHIM_PROBE_WIRE_H
#define SHIM_PROBE_WIRE_H

#include <stdint.h>

#define WIRE_MAGIC 0x31505453u /* "STP1", little endian */
#define WIRE_TARGET 320	       /* bytes, with the terminator; a path below /dev fits */
#define WIRE_SUMMARY 256
#define WIRE_HINT 432
#define WIRE_RECORDS_MAX 512 /* of one run of the probe; more is a fault of the probe's */

/* The order of the report. Names: wire_names[] (wire.c). */
enum wire_check {
	CHECK_GPU_RENDER,
	CHECK_GPU_PRIMARY,
	CHECK_SOUND_CONTROL,
	CHECK_SOUND_PCM,
	CHECK_X11_SOCKET,
	CHECK_X11_AUTH,
	CHECK_X11_EXTENSIONS,
	CHECK_PULSE_SOCKET,
	CHECK_PIPEWIRE_SOCKET,
	CHECK_WAYLAND_SOCKET,
	CHECK_SHM,
	CHECK_RUNTIME_DIR,
	CHECK_HOME,
	CHECK_LOOPBACK,
	CHECK_SANDBOX_CAPS,
	CHECK_SANDBOX_NNP,
	CHECK_SANDBOX_SECCOMP,
	CHECK_SANDBOX_LANDLOCK,
	CHECK_SANDBOX_USERNS,
	CHECKS, /* how many there are; in a record: its group is done */
};

/* What the probe is asked for, by name on its command line; each in a process of its own. */
enum wire_group {
	GROUP_GPU,
	GROUP_SOUND,
	GROUP_X11,
	GROUP_PULSE, /* PulseAudio and PipeWire */
	GROUP_WAYLAND,
	GROUP_SYSTEM,  /* shm, runtime-dir, home, loopback */
	GROUP_SANDBOX, /* what the kernel says of the probe's own process */
	GROUPS_OF_CHECKS,
};

/* Sets of groups are 32 bits wide. */
#define GROUP_BIT(group) (UINT32_C(1) << (group))
/* Beside groups: primary GPU nodes (card0) are meant to be used. */
#define PRIMARY_WANTED GROUP_BIT(GROUPS_OF_CHECKS)

enum wire_status { STATUS_OK, STATUS_WARN, STATUS_FAIL, STATUS_SKIP, STATUSES };

struct wire_record {
	uint32_t magic;
	uint8_t group;	/* enum wire_group */
	uint8_t check;	/* enum wire_check; CHECKS: the group is done, nothing else is set */
	uint8_t status; /* enum wire_status */
	uint8_t zero;
	uint32_t us; /* microseconds that this took */
	uint32_t zero2;
	char target[WIRE_TARGET];   /* what was looked at: a path, a display */
	char summary[WIRE_SUMMARY]; /* one line */
	char hint[WIRE_HINT];	    /* what to do; empty when there is nothing to */
};

_Static_assert(sizeof(struct wire_record) == 1024, "one size on every machine");

/** wire_names - the id of each check, as reports have it ("gpu.render"). */
extern const char *const wire_names[CHECKS];

/** wire_group_names - the name of each group, as options and the probe have it ("gpu"). */
extern const char *const wire_group_names[GROUPS_OF_CHECKS];

/** wire_group_of - the group that each check belongs to. */
extern const uint8_t wire_group_of[CHECKS];

/** wire_status_names - "ok", "warn", "fail", "skip". */
extern const char *const wire_status_names[STATUSES];

#endif
