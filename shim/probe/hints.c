/* SPDX-License-Identifier: Apache-2.0 */
#include "hints.h"

#include <stdbool.h>
#include <string.h>

#include "text.h"
#include "wire.h"

#define DEVICE "incus config device "
#define NODE "unix-char path=%T gid=%G mode=0660 required=false"
/* Root of `incus exec` has few capabilities of its own, those of PID 1 (--exec-bounding). */
#define AS_ROOT                                                                                       \
	"on the host: incus config set %N environment.STREMIO_EXEC_BOUNDING=full, incus restart %N, " \
	"then: incus exec %N -- "
#define LAUNCHED                                                                                         \
	"at its launch: on the host: incus exec %N -- /opt/stremio-shim/stremio-shim "                   \
	"--require=none -- true; any other directory: incus file create --create-dirs --type=directory " \
	"--mode=0700 --uid=%U --gid=%G %N%T"
/* Xwayland of a compositor may have no cookies at all (sway, wlroots). */
#define COOKIES                                                                                 \
	"where xauth list has none of the display, in the desktop session on the host: "        \
	"stremio-incus attach %N --nested=xwayland (or --wayland --display=none); else there: " \
	"stremio-incus attach %N"
#define CONFINED                                                                              \
	"its owner and mode allow it, something else does not: Landlock: on the host: incus " \
	"config set %N "
#define TARGET_MAX (WIRE_TARGET - 2) /* bytes of a path; longer ones were cut */

static const char *const texts[HINTS] = {
	[HINT_NONE] = "",
	[HINT_HANGS] =
		"something is there and does not answer: look at it on the host (dmesg for a "
		"device, its log for a server), then restart it",

	[HINT_NODE_UNSHIFTED] =
		"the host's own node, whose owner is nobody in here: on the host remove the disk "
		"device that brings it (" DEVICE "show %N) and run: " DEVICE "add %N %B " NODE,
	[HINT_NODE_NODEV] =
		"the file system it lies on is mounted nodev, so no device on it opens: "
		"on the host give the node itself: " DEVICE "add %N %B " NODE,
	[HINT_NODE_READ_ONLY] = "its mode lets the application read only: on the host: " DEVICE
				"set %N DEVICE mode=0660 gid=%G (DEVICE: see " DEVICE "show %N)",
	[HINT_NODE_MODE] = "its mode lets nobody but its owner write: on the host: " DEVICE
			   "set %N DEVICE mode=0660 gid=%G (DEVICE: see " DEVICE "show %N)",
	[HINT_NODE_ROOTS] = "group 0 is never handed to the application: on the host: " DEVICE
			    "set %N DEVICE gid=%G mode=0660 (DEVICE: see " DEVICE "show %N)",
	[HINT_NODE_GROUP] =
		"the application is not in group %O: start it through stremio-shim, which "
		"adds the groups of the nodes it finds, or add it: usermod -aG %O USER",
	[HINT_NODE_CGROUP] =
		"the device cgroup forbids it: on the host add the node as a device of "
		"the instance: " DEVICE "add %N %B " NODE,
	[HINT_NODE_CONFINED] =
		"its owner and mode allow it, something else does not: Landlock (start "
		"with --rw=%T) or AppArmor (on the host: dmesg | grep DENIED)",
	[HINT_NODE_NOT_A_DEVICE] =
		"remove it; it was not opened. A device comes with, on the host: " DEVICE
		"add %N %B " NODE,
	[HINT_NODE_WRONG_DEVICE] =
		"another device under this name; it was not opened. On the host: " DEVICE
		"remove %N DEVICE (see " DEVICE "show %N), then add the "
		"right one",
	[HINT_NODE_MANY] = "only the first were looked at: remove those that are not needed",
	[HINT_NODE_NO_DIRECTORY] =
		"something else is in the place of the directory: see what brings it: on the "
		"host: " DEVICE "show %N and incus exec %N -- ls -ld %T",
	[HINT_NODE_CLOSED] = "the application must be let into the directory: on the host: incus "
			     "exec %N -- chmod 755 /dev/dri (or /dev/snd)",
	[HINT_NODE_VANISHED] =
		"the device went away just now: see dmesg on the host, and try again",

	[HINT_GPU_NO_DIRECTORY] =
		"no GPU was given to this instance: on the host: " DEVICE "add %N render unix-char "
		"path=/dev/dri/renderD128 gid=%G mode=0660 required=false",
	[HINT_GPU_NO_NODES] =
		"a directory without GPU: see whether the host has one (ls /dev/dri/renderD*); "
		"if so: " DEVICE "add %N render unix-char path=/dev/dri/renderD128 "
		"gid=%G mode=0660 required=false",
	[HINT_GPU_NO_RENDER] = "a primary node is no substitute: on the host add the render node "
			       "beside it: " DEVICE "add %N render unix-char "
			       "path=/dev/dri/renderD128 gid=%G mode=0660 required=false",
	[HINT_GPU_GONE] =
		"the node is there, its GPU is not: see ls /dev/dri on the host, and remove "
		"the old node: " DEVICE "remove %N DEVICE (see " DEVICE "show %N), then "
		"restart the instance",
	[HINT_GPU_ERROR] = "the GPU's driver refuses: see dmesg on the host",
	[HINT_GPU_NOT_DRM] = "it does not speak DRM: see ls -l %T and dmesg on the host",
	[HINT_GPU_PRIMARY] =
		"it lets the application become DRM master, which rendering does not "
		"need: on the host: " DEVICE "remove %N DEVICE (see " DEVICE "show %N)",
	[HINT_GPU_NAME_ONLY] =
		"it is there for Mesa to find, and for nobody to open: whoever is to have it "
		"names gpu-primary in environment.STREMIO_DEVICES, which the host's hook reads",

	[HINT_SOUND_NO_DIRECTORY] =
		"no sound card was given to this instance: on the host, for each node of ls /dev/snd: " DEVICE
		"add %N snd-NODE unix-char path=/dev/snd/NODE gid=%G mode=0660 "
		"required=false",
	[HINT_SOUND_NO_NODES] =
		"a directory without cards: see whether the host has one (aplay -l); "
		"if so, for its controlC0, pcmC0D0p and so on: " DEVICE "add %N "
		"snd-NODE unix-char path=/dev/snd/NODE gid=%G mode=0660 "
		"required=false",
	[HINT_SOUND_NO_CONTROL] =
		"a PCM needs its card's control node (see sound.control): on the host: " DEVICE
		"add %N snd-control unix-char "
		"path=/dev/snd/controlC0 (or the card's number) gid=%G mode=0660 "
		"required=false",
	[HINT_SOUND_NO_PLAYBACK] =
		"these cards only record, or their playback nodes are missing (see "
		"aplay -l on the host): " DEVICE "add %N snd-pcm unix-char "
		"path=/dev/snd/pcmC0D0p gid=%G mode=0660 required=false",
	[HINT_SOUND_MISSING] =
		"give it to the instance, too: on the host: " DEVICE "add %N snd-%B " NODE,
	[HINT_SOUND_GONE] =
		"the node is there, its card is not: see aplay -l on the host, and remove "
		"the old node: " DEVICE "remove %N DEVICE (see " DEVICE "show %N), then "
		"restart the instance",
	[HINT_SOUND_BUSY] =
		"somebody else plays on it: see fuser -v %T on the host; a sound server "
		"shares it: stremio-incus attach %N",
	[HINT_SOUND_FORMAT] = "it needs conversion, which ALSA's plug does: let the player use "
			      "plughw or a sound server: stremio-incus attach %N",
	[HINT_SOUND_ERROR] = "the sound driver refuses: see dmesg on the host",

	[HINT_X11_NO_DISPLAY] =
		"no display was given to this instance: on the host, in the desktop "
		"session: stremio-incus attach %N",
	[HINT_X11_BAD_DISPLAY] =
		"a display is :0, :0.1, unix:0 or host:0; on the host: incus config "
		"set %N environment.DISPLAY=:0",
	[HINT_X11_REMOTE] =
		"a display on another machine is the application's to try; one of this "
		"machine is :0; on the host: incus config set %N environment.DISPLAY=:0",
	[HINT_X11_NO_SOCKET] =
		"there is no such display here: compare echo $DISPLAY in the desktop "
		"session on the host, and run there: stremio-incus attach %N",
	[HINT_X11_NOT_A_SOCKET] = "an X server's socket should be here: on the host: stremio-incus "
				  "detach %N, then stremio-incus attach %N",
	[HINT_X11_REFUSED] = "the server that made this socket is gone: log in again on the host, "
			     "then: stremio-incus attach %N",
	[HINT_X11_FORBIDDEN] = "the socket belongs to somebody else: a socket must come through "
			       "stremio-incus attach %N, not as a bare disk device",
	[HINT_X11_SCOPED] =
		"Landlock keeps abstract sockets from the application, but an X server's that another "
		"user had started before: run the server as another user or with -nolisten local, "
		"or: on the host: incus config set %N environment.STREMIO_LANDLOCK=off, then: "
		"incus restart %N",
	[HINT_X11_SILENT] = "the server takes connections and does not answer: it hangs or is "
			    "stopped; on the host: ps -o stat,args -C Xorg,Xwayland",
	[HINT_X11_RESET] = "the proxy is there, the server behind it is not: see " DEVICE
			   "show %N on the host, then: stremio-incus attach %N",
	[HINT_X11_GARBAGE] =
		"whatever listens there is no X server: on the host: ss -xlp | grep X11, "
		"and " DEVICE "show %N",
	[HINT_X11_NO_COOKIE_FILE] = "no cookie came with the display: " COOKIES,
	[HINT_X11_COOKIE_UNREADABLE] =
		"the application (uid %U) cannot read %T: attach anew, which "
		"gives it its owner: stremio-incus attach %N",
	[HINT_X11_COOKIE_CONFINED] =
		CONFINED "environment.STREMIO_RO=%T (--ro=), then: incus restart %N; or AppArmor: "
			 "dmesg | grep DENIED",
	[HINT_X11_COOKIE_BROKEN] = "not a file that xauth wrote: on the host: stremio-incus detach "
				   "%N, then stremio-incus attach %N",
	[HINT_X11_EMPTY] = "nothing was copied into it: " COOKIES,
	[HINT_X11_NO_ENTRY] =
		"the file has cookies, none for this display: compare echo $DISPLAY on the host; " COOKIES,
	[HINT_X11_HOST_KEYED] =
		"the cookie is bound to the host's name, which differs in here: "
		"stremio-incus attach %N copies it so that it fits any (FamilyWild)",
	[HINT_X11_WRONG_COOKIE] =
		"the server has another cookie, as after a new login: on the host, "
		"in the desktop session: stremio-incus attach %N",
	[HINT_X11_OPEN_SERVER] = "anybody who reaches it can watch and type: on the host: xhost -, "
				 "and see that xhost lists nobody, then: stremio-incus attach %N",
	[HINT_X11_TRUSTED] =
		"a trusted X client can read the keyboard and other windows: "
		"stremio-incus attach %N --untrusted, or a Wayland display, prevents it",
	[HINT_X11_NO_GLX] =
		"no OpenGL through this server: enable GLX in it (Xvfb: +extension GLX), "
		"or let the application render with EGL or in software",
	[HINT_X11_UNTRUSTED_GLX] = "an untrusted cookie hides it: rendering will be in software; "
				   "stremio-incus attach %N gives a trusted one",
	[HINT_X11_NO_SCREEN] =
		"screens count from 0, and most servers have one: on the host: incus "
		"config set %N environment.DISPLAY=:0",
	[HINT_X11_CLIENT] =
		"the server let a first connection in and not a second: it may have too "
		"many clients; on the host: xlsclients, or restart it",

	[HINT_PULSE_NONE] =
		"no sound server was given to this instance: on the host, in the desktop "
		"session: stremio-incus attach %N",
	[HINT_PULSE_REMOTE] =
		"a server on another machine is the application's to try; one of this "
		"machine: incus config set %N environment.PULSE_SERVER=unix:PATH",
	[HINT_PULSE_REFUSED] = "the sound server that made this socket is gone: on the host: "
			       "systemctl --user restart pipewire-pulse (or pulseaudio), then: "
			       "stremio-incus attach %N",
	[HINT_PULSE_FORBIDDEN] = "the sound server's socket belongs to somebody else: it must come "
				 "through stremio-incus attach %N, not as a bare disk device",
	[HINT_PULSE_NOT_A_SOCKET] = "the sound server's socket should be here: on the host: "
				    "stremio-incus detach %N, then stremio-incus attach %N",
	[HINT_PULSE_DENIED] =
		"the server wants its cookie (~/.config/pulse/cookie, PULSE_COOKIE): on "
		"the host, in the desktop session: stremio-incus attach %N",
	[HINT_PULSE_COOKIE_UNREADABLE] =
		"the server wants its cookie, and the application (uid %U) cannot read that "
		"file: on the host, in the desktop session: stremio-incus attach %N",
	[HINT_PULSE_COOKIE_CONFINED] =
		CONFINED "environment.STREMIO_RO=FILE (the cookie's; --ro=), then: incus restart "
			 "%N; or AppArmor: dmesg | grep DENIED",
	[HINT_PULSE_ERROR] = "the sound server refuses: see its log on the host: journalctl --user "
			     "-u pipewire-pulse -u pulseaudio",
	[HINT_PULSE_SILENT] =
		"the sound server takes connections and does not answer: on the host: "
		"systemctl --user restart pipewire-pulse (or pulseaudio)",
	[HINT_PULSE_GARBAGE] =
		"whatever listens there is no PulseAudio: on the host: ss -xlp | grep "
		"pulse, and " DEVICE "show %N",
	[HINT_PIPEWIRE_NONE] =
		"PIPEWIRE_REMOTE names a socket that is not here: on the host, in the "
		"desktop session: stremio-incus attach %N",
	[HINT_PIPEWIRE_REFUSED] =
		"the PipeWire that made this socket is gone: on the host: systemctl "
		"--user restart pipewire, then: stremio-incus attach %N",
	[HINT_PIPEWIRE_FORBIDDEN] =
		"PipeWire's socket belongs to somebody else: it must come through "
		"stremio-incus attach %N, not as a bare disk device",
	[HINT_PIPEWIRE_NOT_A_SOCKET] =
		"PipeWire's socket should be here: on the host: stremio-incus "
		"detach %N, then: stremio-incus attach %N",
	[HINT_PIPEWIRE_SILENT] = "PipeWire takes connections and does not answer: on the host: "
				 "systemctl --user restart pipewire",
	[HINT_PIPEWIRE_GARBAGE] =
		"whatever listens there is no PipeWire: on the host: ss -xlp | grep "
		"pipewire, and " DEVICE "show %N",
	[HINT_WAYLAND_NO_DISPLAY] =
		"no Wayland display was given to this instance: on the host, in the "
		"Wayland session: stremio-incus attach %N --wayland",
	[HINT_WAYLAND_NONE] =
		"there is no such socket here: compare echo $WAYLAND_DISPLAY in the Wayland "
		"session on the host, and run there: stremio-incus attach %N --wayland",
	[HINT_WAYLAND_REFUSED] =
		"the compositor that made this socket is gone: log in again on the "
		"host, then restart the instance: incus restart %N",
	[HINT_WAYLAND_FORBIDDEN] =
		"the compositor's socket belongs to somebody else: on the host: " DEVICE
		"set %N DEVICE uid=%U gid=%G (see " DEVICE "show %N)",
	[HINT_WAYLAND_NOT_A_SOCKET] =
		"a compositor's socket should be here: see " DEVICE "show %N on "
		"the host for what brought it",
	[HINT_WAYLAND_SILENT] =
		"the compositor takes connections and does not answer: it hangs or is "
		"stopped; log in again on the host",
	[HINT_WAYLAND_GARBAGE] =
		"whatever listens there is no compositor: on the host: ss -xlp | grep "
		"wayland, and " DEVICE "show %N",
	[HINT_WAYLAND_POOR] =
		"windows need these: let the instance have a desktop's compositor: compare "
		"wayland-info in the desktop session on the host",

	/* Not --tmpfs, which makes no directory. */
	[HINT_SHM_NONE] =
		"browsers need it: stremio-shim mounts it as PID 1; where it may not: on the host: "
		"incus profile edit stremio: in raw.lxc: lxc.mount.entry = tmpfs dev/shm tmpfs "
		"mode=1777,size=256m,create=dir 0 0, then: incus restart %N",
	[HINT_SHM_NOT_TMPFS] =
		"shared memory goes to the disk: see what is mounted there (incus exec %N -- "
		"findmnt /dev/shm), or: incus config set %N "
		"environment.STREMIO_TMPFS=/dev/shm:mode=1777,size=256m, then: incus restart %N",
	/* Not --tmpfs, which leaves a tmpfs that is there as it is. */
	[HINT_SHM_SMALL] =
		"browsers crash when it is full: enlarge it: on the host: incus profile edit "
		"stremio: size=256m in raw.lxc's entry for dev/shm, then: incus restart %N "
		"(Docker: --shm-size=256m)",
	[HINT_SHM_READ_ONLY] =
		"it must be writable: see what mounts it read-only: on the host: incus exec %N "
		"-- findmnt /dev/shm, and incus config show %N --expanded",
	[HINT_SHM_UNWRITABLE] =
		"it must be everybody's, with the sticky bit: on the host: incus exec "
		"%N -- chmod 1777 /dev/shm",
	[HINT_DIRECTORY_CLOSED] =
		"the way to it is closed, or leads to something else: see at which part: on the "
		"host: incus exec %N -- namei -l %T",
	[HINT_RUNTIME_UNSET] =
		"XDG_RUNTIME_DIR is missing: start through stremio-shim, which makes "
		"/run/user/%U, or on the host: incus config set %N "
		"environment.XDG_RUNTIME_DIR=/run/user/%U",
	[HINT_RUNTIME_NONE] = "stremio-shim makes /run/user/%U " LAUNCHED,
	[HINT_RUNTIME_OWNER] =
		"it must be the application's: put one of its own there: on the host: incus config "
		"set %N environment.STREMIO_TMPFS=%T:mode=0700,uid=%U,gid=%G, then: incus restart "
		"%N",
	[HINT_RUNTIME_MODE] = "others must not look in: on the host: incus exec %N --user %U "
			      "--group %G -- chmod 700 %T",
	[HINT_RUNTIME_CLOSED] =
		"sockets are made there, its own mode forbids it: on the host: incus exec "
		"%N --user %U --group %G -- chmod 700 %T",
	[HINT_RUNTIME_UNWRITABLE] = "sockets are made there: see on the host whether it is mounted "
				    "read-only: incus exec %N -- findmnt -T %T",
	[HINT_HOME_UNSET] =
		"HOME is missing: start through stremio-shim, or on the host: incus config "
		"set %N environment.HOME=/home/stremio",
	[HINT_HOME_NONE] = "stremio-shim makes its user's home " LAUNCHED,
	[HINT_HOME_UNWRITABLE] =
		"settings and the library are kept there: where the root is read-only a volume "
		"or --tmpfs=%T, else " AS_ROOT "chown %U:%G %T",
	[HINT_HOME_OWNER] =
		"writable, and somebody else's: others may change settings in it: " AS_ROOT
		"chown %U:%G %T",
	[HINT_HOME_FULL] = "make room, or enlarge the disk: on the host: " DEVICE
			   "override %N root size=10GiB (or set, where the instance has a root "
			   "disk of its own)",
	[HINT_LOOPBACK_DOWN] =
		"the streaming server listens there: stremio-shim brings it up as PID 1 (incus "
		"restart %N); where it may not, give the instance a NIC: on the host: " DEVICE
		"add %N eth0 nic nictype=p2p",
	[HINT_LOOPBACK_FILTERED] = "the streaming server listens there: see the firewall "
				   "rules: " AS_ROOT "nft list ruleset",

	[HINT_SANDBOX_UNREADABLE] =
		"is /proc mounted? On the host: incus exec %N -- ls /proc, and " DEVICE
		"show %N for what lies over it",
	[HINT_SANDBOX_CAPS] = "start it through stremio-shim, which drops them; not as root with "
			      "incus exec %N",
	[HINT_SANDBOX_BOUNDING] = "a set-uid program could get them back: start it through "
				  "stremio-shim",
	[HINT_SANDBOX_NNP] = "set-uid programs would work: start it through stremio-shim",
	[HINT_SANDBOX_SECCOMP] = "every system call is open: leave out --policy=none (on the host: "
				 "incus config unset %N environment.STREMIO_POLICY)",
	[HINT_SANDBOX_LANDLOCK] =
		"files are guarded by their owners and modes alone: a kernel with "
		"landlock in /sys/kernel/security/lsm, and no --landlock=off, is "
		"needed; --landlock=require insists",
	[HINT_SANDBOX_USERNS] =
		"whoever breaks the application reaches more of the kernel: leave out "
		"--userns=allow unless the browser engine needs it",
};

void hint_name(const char *nodename, char *name, size_t size)
{
	size_t len = strspn(nodename, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-");
	struct text t;

	text_begin(&t, name, size);
	/* A name that starts like an option would be taken for one. */
	text_str(&t,
		 !len || nodename[len] || nodename[0] == '-' || len >= size ? "NAME" : nodename);
}

const char *hint_text(enum hint h)
{
	return h < HINTS ? texts[h] : NULL;
}

static const char *plain(const char *path)
{
	size_t len = strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789/_.,:@+-");

	return !len || path[len] || len > TARGET_MAX || path[0] == '-' ? "PATH" : path;
}

static void value(struct text *t, char letter, const struct hint_values *v)
{
	const char *target = plain(v->target);
	const char *slash = strrchr(target, '/');

	switch (letter) {
	case 'N':
		text_str(t, v->name);
		break;
	case 'T':
		text_str(t, target);
		break;
	case 'B':
		text_str(t, slash ? slash + 1 : target);
		break;
	case 'U':
		text_num(t, v->uid);
		break;
	case 'G':
		text_num(t, v->gid);
		break;
	default:
		text_num(t, v->owner_gid);
	}
}

/* Return: true when all of it fitted. */
static bool write_with(enum hint h, const struct hint_values *v, char *buf, size_t size)
{
	struct text t;
	char one[2] = "";

	/* No byte of another try stays behind the end. */
	memset(buf, 0, size);
	text_begin(&t, buf, size);
	for (const char *s = hint_text(h); s && *s; s++) {
		if (*s == '%') {
			value(&t, *++s, v);
		} else {
			one[0] = *s;
			text_str(&t, one);
		}
	}
	return !text_full(&t);
}

/* A command that is cut is another one: what is too long is left for the reader to fill in. */
void hint_write(enum hint h, const struct hint_values *v, char *buf, size_t size)
{
	struct hint_values shorter = *v;

	if (write_with(h, v, buf, size))
		return;
	shorter.target = "PATH";
	if (write_with(h, &shorter, buf, size))
		return;
	shorter.name = "NAME";
	(void)write_with(h, &shorter, buf, size);
}
