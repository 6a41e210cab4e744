/* SPDX-License-Identifier: Apache-2.0 */
/* hints: what a person can do about each finding, with the command to type on the host. */
#ifndef SHIM_PROBE_HINTS_H
#define SHIM_PROBE_HINTS_H

#include <stddef.h>

/* One for each cause. Texts: hints.c. */
enum hint {
	HINT_NONE,
	HINT_HANGS,
	/* Nodes of any kind. */
	HINT_NODE_UNSHIFTED,
	HINT_NODE_NODEV,
	HINT_NODE_READ_ONLY,
	HINT_NODE_MODE,
	HINT_NODE_ROOTS,
	HINT_NODE_GROUP,
	HINT_NODE_CGROUP,
	HINT_NODE_CONFINED,
	HINT_NODE_NOT_A_DEVICE,
	HINT_NODE_WRONG_DEVICE,
	HINT_NODE_MANY,
	HINT_NODE_NO_DIRECTORY,
	HINT_NODE_CLOSED,
	HINT_NODE_VANISHED,
	/* GPU. */
	HINT_GPU_NO_DIRECTORY,
	HINT_GPU_NO_NODES,
	HINT_GPU_NO_RENDER,
	HINT_GPU_GONE,
	HINT_GPU_ERROR,
	HINT_GPU_NOT_DRM,
	HINT_GPU_PRIMARY,
	HINT_GPU_NAME_ONLY,
	/* Sound. */
	HINT_SOUND_NO_DIRECTORY,
	HINT_SOUND_NO_NODES,
	HINT_SOUND_NO_CONTROL,
	HINT_SOUND_NO_PLAYBACK,
	HINT_SOUND_MISSING,
	HINT_SOUND_GONE,
	HINT_SOUND_BUSY,
	HINT_SOUND_FORMAT,
	HINT_SOUND_ERROR,
	/* X11. */
	HINT_X11_NO_DISPLAY,
	HINT_X11_BAD_DISPLAY,
	HINT_X11_REMOTE,
	HINT_X11_NO_SOCKET,
	HINT_X11_NOT_A_SOCKET,
	HINT_X11_REFUSED,
	HINT_X11_FORBIDDEN,
	HINT_X11_SCOPED,
	HINT_X11_SILENT,
	HINT_X11_RESET,
	HINT_X11_GARBAGE,
	HINT_X11_NO_COOKIE_FILE,
	HINT_X11_COOKIE_UNREADABLE,
	HINT_X11_COOKIE_CONFINED,
	HINT_X11_COOKIE_BROKEN,
	HINT_X11_EMPTY,
	HINT_X11_NO_ENTRY,
	HINT_X11_HOST_KEYED,
	HINT_X11_WRONG_COOKIE,
	HINT_X11_OPEN_SERVER,
	HINT_X11_TRUSTED,
	HINT_X11_NO_GLX,
	HINT_X11_UNTRUSTED_GLX,
	HINT_X11_NO_SCREEN,
	HINT_X11_CLIENT,
	/* Sockets of sound servers and compositors. */
	HINT_PULSE_NONE,
	HINT_PULSE_REMOTE,
	HINT_PULSE_REFUSED,
	HINT_PULSE_FORBIDDEN,
	HINT_PULSE_NOT_A_SOCKET,
	HINT_PULSE_DENIED,
	HINT_PULSE_COOKIE_UNREADABLE,
	HINT_PULSE_COOKIE_CONFINED,
	HINT_PULSE_ERROR,
	HINT_PULSE_SILENT,
	HINT_PULSE_GARBAGE,
	HINT_PIPEWIRE_NONE,
	HINT_PIPEWIRE_REFUSED,
	HINT_PIPEWIRE_FORBIDDEN,
	HINT_PIPEWIRE_NOT_A_SOCKET,
	HINT_PIPEWIRE_SILENT,
	HINT_PIPEWIRE_GARBAGE,
	HINT_WAYLAND_NO_DISPLAY,
	HINT_WAYLAND_NONE,
	HINT_WAYLAND_REFUSED,
	HINT_WAYLAND_FORBIDDEN,
	HINT_WAYLAND_NOT_A_SOCKET,
	HINT_WAYLAND_SILENT,
	HINT_WAYLAND_GARBAGE,
	HINT_WAYLAND_POOR,
	/* The system. */
	HINT_SHM_NONE,
	HINT_SHM_NOT_TMPFS,
	HINT_SHM_SMALL,
	HINT_SHM_READ_ONLY,
	HINT_SHM_UNWRITABLE,
	HINT_DIRECTORY_CLOSED,
	HINT_RUNTIME_UNSET,
	HINT_RUNTIME_NONE,
	HINT_RUNTIME_OWNER,
	HINT_RUNTIME_MODE,
	HINT_RUNTIME_CLOSED,
	HINT_RUNTIME_UNWRITABLE,
	HINT_HOME_UNSET,
	HINT_HOME_NONE,
	HINT_HOME_UNWRITABLE,
	HINT_HOME_OWNER,
	HINT_HOME_FULL,
	HINT_LOOPBACK_DOWN,
	HINT_LOOPBACK_FILTERED,
	/* Confinement. */
	HINT_SANDBOX_UNREADABLE,
	HINT_SANDBOX_CAPS,
	HINT_SANDBOX_BOUNDING,
	HINT_SANDBOX_NNP,
	HINT_SANDBOX_SECCOMP,
	HINT_SANDBOX_LANDLOCK,
	HINT_SANDBOX_USERNS,
	HINTS,
};

/* What stands for the %-letters of a text. */
struct hint_values {
	const char *name;	/* %N: the instance, from hint_name() */
	const char *target;	/* %T: what was looked at; %B: its last part */
	unsigned int uid;	/* %U: the application's */
	unsigned int gid;	/* %G: the application's */
	unsigned int owner_gid; /* %O: the group of what was looked at */
};

/**
 * hint_name() - the instance's name, as commands on the host take it.
 * @nodename: of uname(2), which Incus sets to the instance's name.
 * @name: out; "NAME" when it is no such name (letters, digits and dashes). @size: its room.
 */
void hint_name(const char *nodename, char *name, size_t size);

/** hint_text() - the text of a hint with its %-letters. Return: NULL for what is none. */
const char *hint_text(enum hint h);

/**
 * hint_write() - the text of a hint with its values.
 * @h: which. @v: the values. @buf: out, empty for HINT_NONE. @size: its room.
 *
 * The texts hold commands that people paste into a shell, and targets come from outside: one
 * with a character that a shell knows, or so long that it may have been cut, is written as PATH.
 */
void hint_write(enum hint h, const struct hint_values *v, char *buf, size_t size);

#endif
