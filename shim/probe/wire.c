/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

const char *const wire_names[CHECKS] = {
	[CHECK_GPU_RENDER] = "gpu.render",
	[CHECK_GPU_PRIMARY] = "gpu.primary",
	[CHECK_SOUND_CONTROL] = "sound.control",
	[CHECK_SOUND_PCM] = "sound.pcm",
	[CHECK_X11_SOCKET] = "x11.socket",
	[CHECK_X11_AUTH] = "x11.auth",
	[CHECK_X11_EXTENSIONS] = "x11.extensions",
	[CHECK_PULSE_SOCKET] = "pulse.socket",
	[CHECK_PIPEWIRE_SOCKET] = "pipewire.socket",
	[CHECK_WAYLAND_SOCKET] = "wayland.socket",
	[CHECK_SHM] = "shm",
	[CHECK_RUNTIME_DIR] = "runtime-dir",
	[CHECK_HOME] = "home",
	[CHECK_LOOPBACK] = "loopback",
	[CHECK_SANDBOX_CAPS] = "sandbox.caps",
	[CHECK_SANDBOX_NNP] = "sandbox.nnp",
	[CHECK_SANDBOX_SECCOMP] = "sandbox.seccomp",
	[CHECK_SANDBOX_LANDLOCK] = "sandbox.landlock",
	[CHECK_SANDBOX_USERNS] = "sandbox.userns",
};

const char *const wire_group_names[GROUPS_OF_CHECKS] = {
	[GROUP_GPU] = "gpu",	     [GROUP_SOUND] = "sound",	  [GROUP_X11] = "x11",
	[GROUP_PULSE] = "pulse",     [GROUP_WAYLAND] = "wayland", [GROUP_SYSTEM] = "system",
	[GROUP_SANDBOX] = "sandbox",
};

const uint8_t wire_group_of[CHECKS] = {
	[CHECK_GPU_RENDER] = GROUP_GPU,
	[CHECK_GPU_PRIMARY] = GROUP_GPU,
	[CHECK_SOUND_CONTROL] = GROUP_SOUND,
	[CHECK_SOUND_PCM] = GROUP_SOUND,
	[CHECK_X11_SOCKET] = GROUP_X11,
	[CHECK_X11_AUTH] = GROUP_X11,
	[CHECK_X11_EXTENSIONS] = GROUP_X11,
	[CHECK_PULSE_SOCKET] = GROUP_PULSE,
	[CHECK_PIPEWIRE_SOCKET] = GROUP_PULSE,
	[CHECK_WAYLAND_SOCKET] = GROUP_WAYLAND,
	[CHECK_SHM] = GROUP_SYSTEM,
	[CHECK_RUNTIME_DIR] = GROUP_SYSTEM,
	[CHECK_HOME] = GROUP_SYSTEM,
	[CHECK_LOOPBACK] = GROUP_SYSTEM,
	[CHECK_SANDBOX_CAPS] = GROUP_SANDBOX,
	[CHECK_SANDBOX_NNP] = GROUP_SANDBOX,
	[CHECK_SANDBOX_SECCOMP] = GROUP_SANDBOX,
	[CHECK_SANDBOX_LANDLOCK] = GROUP_SANDBOX,
	[CHECK_SANDBOX_USERNS] = GROUP_SANDBOX,
};

const char *const wire_status_names[STATUSES] = {
	[STATUS_OK] = "ok",
	[STATUS_WARN] = "warn",
	[STATUS_FAIL] = "fail",
	[STATUS_SKIP] = "skip",
};
