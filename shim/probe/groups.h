/* SPDX-License-Identifier: Apache-2.0 */
/* groups: the checks, a function for each group; each runs in a process of its own. */
#ifndef SHIM_PROBE_GROUPS_H
#define SHIM_PROBE_GROUPS_H

#include <stdbool.h>

/* What a group's checks are told. */
struct probe {
	bool primary;	/* primary GPU nodes are meant to be used */
	int listener;	/* for the loopback check, from system_prepare(); -1 when not made */
	int client;	/* the same */
	int socket_err; /* errno of what could not be made of them */
};

/** gpu_check() - gpu.render and gpu.primary, a finding for each node. */
void gpu_check(const struct probe *p);

/** sound_check() - sound.control and sound.pcm, a finding for each card and playback PCM. */
void sound_check(const struct probe *p);

/** x11_check() - x11.socket, x11.auth and x11.extensions. */
void x11_check(const struct probe *p);

/** pulse_check() - pulse.socket and pipewire.socket. */
void pulse_check(const struct probe *p);

/** wayland_check() - wayland.socket. */
void wayland_check(const struct probe *p);

/**
 * system_prepare() - make the sockets of the loopback check, which the probe's own filter
 * does not allow to be made.
 * @p: out, its sockets.
 */
void system_prepare(struct probe *p);

/** system_check() - shm, runtime-dir, home and loopback. */
void system_check(const struct probe *p);

/**
 * sandbox_check() - what the kernel says of this process, which has the application's
 * confinement: before the probe's own filter is in force.
 */
void sandbox_check(const struct probe *p);

#endif
