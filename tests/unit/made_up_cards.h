/* SPDX-License-Identifier: Apache-2.0 */
/*
 * made_up_cards: a kernel with sound cards that this machine does not have, for the tests that
 * link with --wrap: it answers what alsa-lib and the probe ask of /dev/snd (sound/asound.h) as
 * `machine` says.
 */
#ifndef TESTS_MADE_UP_CARDS_H
#define TESTS_MADE_UP_CARDS_H

#include <errno.h>
#include <fcntl.h>
#include <sound/asound.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define CARDS 64
#define FDS 256

/* The made-up machine. */
static struct {
	unsigned int cards;
	unsigned int devices;	   /* playback PCMs of each card */
	const char *name;	   /* of every card; 32 bytes are taken */
	const char *fails;	   /* a node that does not open */
	int error;		   /* with this */
	unsigned int ioctl_fails;  /* a request that does not work */
	int ioctl_error;	   /* with this */
	unsigned int channels_min; /* of every PCM */
	bool endless;		   /* there is always one more PCM */
} machine;

static char directory[] = "/tmp/probe_sound_test.XXXXXX";

/* What a descriptor is open on: 0 nothing of ours, else card + 1, and whether it is a PCM. */
static struct {
	unsigned int card;
	unsigned int device;
	bool pcm;
} opened[FDS];

int __real_open(const char *path, int flags, ...);
int __real_openat(int dir, const char *name, int flags, ...);
int __real_fstatat(int dir, const char *name, struct stat *st, int flags);
int __real_fstat(int fd, struct stat *st);
int __real_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);

static int open_node(const char *name)
{
	unsigned int card = 0;
	unsigned int device = 0;
	bool pcm = sscanf(name, "pcmC%uD%up", &card, &device) == 2;
	int fd;

	if (!pcm && sscanf(name, "controlC%u", &card) != 1) {
		errno = ENOENT;
		return -1;
	}
	if (machine.fails && !strcmp(name, machine.fails)) {
		errno = machine.error;
		return -1;
	}
	fd = __real_open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd >= 0 && fd < FDS) {
		opened[fd].card = card + 1;
		opened[fd].device = device;
		opened[fd].pcm = pcm;
	}
	return fd;
}

int __wrap_open(const char *path, int flags, ...)
{
	if (!strcmp(path, "/dev/snd"))
		return __real_open(directory, flags);
	if (!strncmp(path, "/dev/snd/", 9))
		return open_node(path + 9);
	return __real_open(path, flags, 0600);
}

int __wrap_openat(int dir, const char *name, int flags, ...)
{
	int fd = strcmp(name, ".") ? open_node(name) : __real_openat(dir, name, flags);

	/* A number that is used again. */
	if (fd >= 0 && fd < FDS && !strcmp(name, "."))
		opened[fd].card = 0;
	return fd;
}

static void be_a_node(struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_mode = S_IFCHR | 0660;
	st->st_rdev = makedev(116, 0);
}

int __wrap_fstatat(int dir, const char *name, struct stat *st, int flags)
{
	(void)dir;
	(void)name;
	(void)flags;
	be_a_node(st);
	return 0;
}

int __wrap_fstat(int fd, struct stat *st)
{
	(void)fd;
	be_a_node(st);
	return 0;
}

/* The pages of a PCM: alsa-lib asks with an ioctl where they cannot be mapped. */
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (fd >= 0) {
		errno = ENXIO;
		return MAP_FAILED;
	}
	return __real_mmap(at, size, prot, flags, fd, offset);
}

static int refine(struct snd_pcm_hw_params *p)
{
	struct snd_interval *channels =
		&p->intervals[SNDRV_PCM_HW_PARAM_CHANNELS - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];

	if (channels->min < machine.channels_min)
		channels->min = machine.channels_min;
	if (channels->min > channels->max) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static int control(unsigned int card, unsigned long request, void *arg)
{
	struct snd_ctl_card_info *info = arg;
	struct snd_pcm_info *pcm = arg;

	switch (request) {
	case SNDRV_CTL_IOCTL_PVERSION:
		*(int *)arg = SNDRV_CTL_VERSION;
		return 0;
	case SNDRV_CTL_IOCTL_CARD_INFO:
		memset(info, 'x', sizeof(*info));
		info->card = (int)card;
		memcpy(info->name, machine.name, strnlen(machine.name, sizeof(info->name)));
		if (strlen(machine.name) < sizeof(info->name))
			info->name[strlen(machine.name)] = '\0';
		return 0;
	case SNDRV_CTL_IOCTL_PCM_NEXT_DEVICE:
		++*(int *)arg;
		if (!machine.endless && *(int *)arg >= (int)machine.devices)
			*(int *)arg = -1;
		return 0;
	case SNDRV_CTL_IOCTL_PCM_INFO:
		memset(pcm->name, 'y', sizeof(pcm->name));
		return 0;
	default:
		return 0;
	}
}

static int pcm(unsigned int card, unsigned long request, void *arg)
{
	struct snd_pcm_info *info = arg;

	switch (request) {
	case SNDRV_PCM_IOCTL_PVERSION:
		*(int *)arg = SNDRV_PCM_VERSION;
		return 0;
	case SNDRV_PCM_IOCTL_INFO:
		memset(info->name, '\x1b', sizeof(info->name));
		info->card = (int)card;
		return 0;
	case SNDRV_PCM_IOCTL_HW_REFINE:
		return refine(arg);
	default:
		return 0;
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;
	void *arg;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (fd < 0 || fd >= FDS || !opened[fd].card)
		return __real_ioctl(fd, request, arg);
	if (machine.ioctl_fails && (unsigned int)request == machine.ioctl_fails) {
		errno = machine.ioctl_error;
		return -1;
	}
	return (opened[fd].pcm ? pcm : control)(opened[fd].card - 1, request, arg);
}

#endif
