/* SPDX-License-Identifier: Apache-2.0 */
#include "discover.h"

#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "directory.h"
#include "text.h"

#define STEP "discover"
#define DRM_MAJOR 226
#define DRM_RENDER_MINOR 128
#define SOUND_MAJOR 116
#define NVIDIA_MAJOR 195

/*
 * What kind of node a name is. `%` stands for digits. Majors are those of the kernel's
 * devices.txt, 0 where the driver takes what is free.
 *
 * Of sound, what plays and records: control, PCM, and the timer that alsa-lib's mixing of
 * several players needs. Not hwC (raw codec commands), midiC, and seq, by which a client
 * reaches those of the host's other programs.
 */
enum kind {
	KIND_RENDER,
	KIND_PRIMARY,
	KIND_COMPUTE,
	KIND_NVIDIA,
	KIND_NVIDIA_COMMON,
	KIND_CONTROL,
	KIND_PLAYBACK,
	KIND_CAPTURE,
	KIND_TIMER
};

static const struct {
	const char *pattern;
	enum kind kind;
	unsigned int major_number;
} patterns[] = {
	{"dri/renderD%", KIND_RENDER, DRM_MAJOR},
	{"dri/card%", KIND_PRIMARY, DRM_MAJOR},
	{"kfd", KIND_COMPUTE, 0},
	{"nvidia%", KIND_NVIDIA, NVIDIA_MAJOR},
	{"nvidiactl", KIND_NVIDIA_COMMON, NVIDIA_MAJOR},
	{"nvidia-modeset", KIND_NVIDIA_COMMON, NVIDIA_MAJOR},
	{"nvidia-uvm", KIND_NVIDIA_COMMON, 0},
	{"nvidia-uvm-tools", KIND_NVIDIA_COMMON, 0},
	{"snd/controlC%", KIND_CONTROL, SOUND_MAJOR},
	{"snd/pcmC%D%p", KIND_PLAYBACK, SOUND_MAJOR},
	{"snd/pcmC%D%c", KIND_CAPTURE, SOUND_MAJOR},
	{"snd/timer", KIND_TIMER, SOUND_MAJOR},
};

#define PATTERNS (sizeof(patterns) / sizeof(patterns[0]))

static bool matches(const char *pattern, const char *name)
{
	for (; *pattern; pattern++) {
		if (*pattern == '%') {
			size_t digits = strspn(name, "0123456789");

			if (!digits || digits > 9)
				return false;
			name += digits;
		} else if (*name++ != *pattern) {
			return false;
		}
	}
	return !*name;
}

/* Return: the place in the table, or -1. */
static int classify(const char *name)
{
	for (size_t i = 0; i < PATTERNS; i++) {
		if (matches(patterns[i].pattern, name))
			return (int)i;
	}
	return -1;
}

bool node_name_ok(const char *name)
{
	return strlen(name) < NODE_NAME_SIZE && classify(name) >= 0;
}

const struct node *nodes_find(const struct nodes *n, const char *name)
{
	for (size_t i = 0; i < n->count; i++) {
		if (!strcmp(n->node[i].name, name))
			return &n->node[i];
	}
	return NULL;
}

/* By name, so that it is the same list each time; one that is there already is kept. */
static int insert(struct nodes *out, const char *name, dev_t rdev, bool name_only)
{
	size_t at = 0;
	int order = 1;

	while (at < out->count && (order = strcmp(out->node[at].name, name)) < 0)
		at++;
	if (at < out->count && order == 0)
		return 0;
	if (out->count == NODES_MAX)
		return -ENOSPC;
	memmove(&out->node[at + 1], &out->node[at], (out->count - at) * sizeof(out->node[0]));
	memset(&out->node[at], 0, sizeof(out->node[at]));
	memcpy(out->node[at].name, name, strlen(name) + 1);
	out->node[at].rdev = rdev;
	out->node[at].name_only = name_only;
	out->count++;
	return 0;
}

/* By the number of its card, or by the card's ALSA id. */
static bool sound_chosen(const struct chosen *c, struct udev *udev, const char *name)
{
	struct udev_device *card;
	const char *digits = strchr(name, 'C') + 1;
	char number[NODE_NAME_SIZE] = "";
	char sysname[NODE_NAME_SIZE + 4];
	const char *id;
	struct text t;
	bool found;

	if (!c->count || !c->wanted)
		return c->wanted;
	memcpy(number, digits, strspn(digits, "0123456789"));
	if (chosen_has(c, number))
		return true;
	text_begin(&t, sysname, sizeof(sysname));
	text_str(&t, "card");
	text_str(&t, number);
	card = udev_device_new_from_subsystem_sysname(udev, "sound", sysname);
	if (!card)
		return false;
	id = udev_device_get_sysattr_value(card, "id");
	found = id && chosen_has(c, id);
	udev_device_unref(card);
	return found;
}

static bool is_chosen(const struct devices *d, struct udev *udev, enum kind kind, const char *name)
{
	const char *base = strrchr(name, '/');

	base = base ? base + 1 : name;
	switch (kind) {
	case KIND_PRIMARY:
		return chosen_has(&d->primary, base);
	case KIND_CAPTURE:
		return !d->playback_only && sound_chosen(&d->sound, udev, name);
	case KIND_CONTROL:
	case KIND_PLAYBACK:
		return sound_chosen(&d->sound, udev, name);
	case KIND_TIMER:
		return d->sound.wanted;
	default:
		return chosen_has(&d->gpu, base);
	}
}

static bool numbers_fit(int pattern, dev_t rdev, bool name_only)
{
	unsigned int wanted = patterns[pattern].major_number;

	if (wanted && major(rdev) != wanted)
		return false;
	if (name_only)
		return minor(rdev) < DRM_RENDER_MINOR;
	return patterns[pattern].kind != KIND_RENDER || minor(rdev) >= DRM_RENDER_MINOR;
}

/* @name: below /dev, chosen. What libudev knows of @syspath must be the same. */
static int add_device(struct udev *udev, const char *syspath, const char *name, bool name_only,
		      struct nodes *out)
{
	/* NULL when it went away since the listing. */
	struct udev_device *dev = udev_device_new_from_syspath(udev, syspath);
	const char *path = dev ? udev_device_get_devnode(dev) : NULL;
	int r = 0;

	if (path && !strncmp(path, "/dev/", 5) && !strcmp(path + 5, name) &&
	    numbers_fit(classify(name), udev_device_get_devnum(dev), name_only))
		r = insert(out, name, udev_device_get_devnum(dev), name_only);
	udev_device_unref(dev);
	return r;
}

/*
 * Where the kernel lists devices, and what their nodes' names begin with. Chosen is by the names
 * in the listing, and only what is chosen is looked at by libudev: its own enumeration does that
 * to everything in these classes and above them, which was 850 of a start's 1500 system calls.
 */
static const struct {
	const char *class;
	const char *prefix;
} classes[] = {
	{"/sys/class/drm/", "dri/"},
	{"/sys/class/kfd/", ""},
	{"/sys/class/sound/", "snd/"},
};

#define CLASSES (sizeof(classes) / sizeof(classes[0]))

/* Its name below /dev. Return: the place in the table of patterns, or -1. */
static int name_of(size_t class, const char *sysname, char name[NODE_NAME_SIZE])
{
	struct text t;

	text_begin(&t, name, NODE_NAME_SIZE);
	text_str(&t, classes[class].prefix);
	text_str(&t, sysname);
	return text_full(&t) ? -1 : classify(name);
}

static int add(struct udev *udev, size_t class, const char *sysname, const char *name,
	       bool name_only, struct nodes *out)
{
	char syspath[64 + NODE_NAME_SIZE];
	struct text t;

	text_begin(&t, syspath, sizeof(syspath));
	text_str(&t, classes[class].class);
	text_str(&t, sysname);
	return add_device(udev, syspath, name, name_only, out);
}

static int consider(const struct devices *d, struct udev *udev, size_t class, const char *sysname,
		    struct nodes *out)
{
	char name[NODE_NAME_SIZE];
	int pattern = name_of(class, sysname, name);
	bool chosen = pattern >= 0 && is_chosen(d, udev, patterns[pattern].kind, name);

	/* Whichever GPU is to draw: another's may be the one that has the screen. */
	if (!chosen && (pattern < 0 || patterns[pattern].kind != KIND_PRIMARY || !d->gpu.wanted))
		return 0;
	return add(udev, class, sysname, name, !chosen, out);
}

static int scan_class(const struct devices *d, struct udev *udev, size_t class, struct nodes *out)
{
	struct directory dir;
	const char *sysname;
	int r = directory_open(&dir, classes[class].class);

	/* No driver of the kind is loaded. */
	if (r == -ENOENT)
		return 0;
	while (r >= 0 && (r = directory_next(&dir, &sysname)) > 0)
		r = consider(d, udev, class, sysname, out);
	directory_close(&dir);
	return r;
}

static int scan_sys(const struct devices *d, struct udev *udev, struct nodes *out)
{
	int r = access("/sys/class", F_OK) < 0 ? -errno : 0;

	for (size_t i = 0; i < CLASSES && r == 0; i++)
		r = scan_class(d, udev, i, out);
	return r;
}

/* The common nodes go with any card of theirs. */
static bool nvidia_common(const struct chosen *c)
{
	for (size_t i = 0; i < c->count; i++) {
		if (!strncmp(c->name[i], "nvidia", strlen("nvidia")))
			return true;
	}
	return c->wanted && !c->count;
}

static int add_nvidia(const struct devices *d, int dev, const char *name, struct nodes *out)
{
	int pattern = strncmp(name, "nvidia", strlen("nvidia")) == 0 ? classify(name) : -1;
	struct stat st;
	bool wanted;

	if (pattern < 0 || fstatat(dev, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	wanted = patterns[pattern].kind == KIND_NVIDIA_COMMON ? nvidia_common(&d->gpu)
							      : chosen_has(&d->gpu, name);
	/* Not root's: not the driver's. */
	if (!wanted || !S_ISCHR(st.st_mode) || st.st_uid != 0 ||
	    !numbers_fit(pattern, st.st_rdev, false))
		return 0;
	return insert(out, name, st.st_rdev, false);
}

static int scan_nvidia(const struct devices *d, struct nodes *out)
{
	struct directory dir;
	const char *name;
	int r = directory_open(&dir, "/dev");

	while (r >= 0 && (r = directory_next(&dir, &name)) > 0)
		r = add_nvidia(d, dir.fd, name, out);
	directory_close(&dir);
	return r;
}

static int list(const struct devices *d, struct udev *udev, struct nodes *out)
{
	int r = scan_sys(d, udev, out);

	return r == 0 && d->gpu.wanted ? scan_nvidia(d, out) : r;
}

/* One that was found before, if it would still be. */
static void find_again(const struct devices *d, struct udev *udev, const struct node *n,
		       struct nodes *out)
{
	const char *slash = strchr(n->name, '/');
	const size_t len = slash ? (size_t)(slash - n->name) + 1 : 0;
	struct directory dir;

	for (size_t i = 0; i < CLASSES; i++) {
		if (strlen(classes[i].prefix) == len && !strncmp(n->name, classes[i].prefix, len))
			(void)consider(d, udev, i, n->name + len, out);
	}
	if (!slash && d->gpu.wanted && directory_open(&dir, "/dev") >= 0) {
		(void)add_nvidia(d, dir.fd, n->name, out);
		directory_close(&dir);
	}
}

int discover(const struct devices *d, const struct nodes *first, struct nodes *out,
	     struct finding *f)
{
	struct udev *udev;
	int r;

	out->count = 0;
	if (!d->gpu.wanted && !d->primary.wanted && !d->sound.wanted)
		return 0;
	udev = udev_new();
	r = udev ? list(d, udev, out) : -ENOMEM;
	/* Listed in no order: what is wired must not be what has no place. */
	if (r == -ENOSPC && first && first->count) {
		out->count = 0;
		for (size_t i = 0; i < first->count; i++)
			find_again(d, udev, &first->node[i], out);
		r = list(d, udev, out);
	}
	udev_unref(udev);
	if (r == -ENOSPC)
		return finding_set(f, 0, STEP, ENOSPC, "more than 128 nodes, the rest is left out",
				   NULL, "name the cards: STREMIO_DEVICES=gpu:renderD128,sound:0");
	if (r < 0)
		return finding_set(f, 0, STEP, -r, "cannot list the devices of this host", NULL,
				   "is /sys mounted?");
	return 0;
}
