/* SPDX-License-Identifier: Apache-2.0 */
/* wrap: open openat fstatat fstat ioctl mmap */
/*
 * Sound cards that this machine does not have, through the real alsa-lib: a made-up kernel
 * answers what it and the probe ask of /dev/snd (sound/asound.h), as drivers may, not as they
 * should. Real cards are tried in the machine tier.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sound/asound.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "made_up_cards.h"
#include "probe/groups.h"
#include "probe/report.h"

/* What was told. */
static struct wire_record told[WIRE_RECORDS_MAX];
static unsigned int count;

static void make_node(const char *name)
{
	char path[256];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = __real_open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static void make_nodes(void)
{
	char name[64];

	for (unsigned int c = 0; c < machine.cards; c++) {
		(void)snprintf(name, sizeof(name), "controlC%u", c);
		make_node(name);
		for (unsigned int d = 0; d < machine.devices; d++) {
			(void)snprintf(name, sizeof(name), "pcmC%uD%up", c, d);
			make_node(name);
		}
	}
}

static void clear(void)
{
	char command[256];

	(void)snprintf(command, sizeof(command), "exec rm -f %s/*", directory);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): the name is mkdtemp's */
}

/* The group's own process, as main makes it, but without its filter. */
static void check_sound(void)
{
	int ends[2];
	int status;
	pid_t pid;

	clear();
	make_nodes();
	memset(told, 0, sizeof(told));
	count = 0;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct probe p = {.listener = -1};

		report_open(GROUP_SOUND, ends[1], 20000);
		sound_check(&p);
		report_close();
	}
	close(ends[1]);
	while (read(ends[0], &told[count], sizeof(told[0])) == (ssize_t)sizeof(told[0])) {
		assert_int_equal(told[count].magic, WIRE_MAGIC);
		assert_true(++count < WIRE_RECORDS_MAX);
	}
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(count > 0);
	assert_int_equal(told[--count].check, CHECKS);
}

static unsigned int of(enum wire_check check, enum wire_status status)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < count; i++)
		n += told[i].check == check && told[i].status == status;
	return n;
}

static const struct wire_record *at(const char *target)
{
	for (unsigned int i = 0; i < count; i++)
		if (!strcmp(told[i].target, target))
			return &told[i];
	fail_msg("nothing is said of %s", target);
	return NULL;
}

static int defaults(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	machine.cards = 1;
	machine.devices = 1;
	machine.name = "HDA Intel PCH";
	return 0;
}

static void a_good_card_names_itself_and_takes_48_khz_stereo(void **state)
{
	(void)state;
	check_sound();
	assert_int_equal(count, 2);
	assert_int_equal(of(CHECK_SOUND_CONTROL, STATUS_OK), 1);
	assert_string_equal(at("/dev/snd/controlC0")->summary,
			    "HDA Intel PCH [xxxxxxxxxxxxxxxx], xxxxxxxxxxxxxxxx");
	assert_int_equal(of(CHECK_SOUND_PCM, STATUS_OK), 1);
	assert_non_null(strstr(at("/dev/snd/pcmC0D0p")->summary, "48 kHz stereo, S16"));
	assert_string_equal(at("/dev/snd/pcmC0D0p")->hint, "");
}

static void sixty_four_cards_are_all_told_of(void **state)
{
	(void)state;
	machine.cards = CARDS;
	check_sound();
	assert_int_equal(of(CHECK_SOUND_CONTROL, STATUS_OK), CARDS);
	assert_int_equal(of(CHECK_SOUND_PCM, STATUS_OK), CARDS);
	assert_int_equal(at("/dev/snd/controlC63")->status, STATUS_OK);
	assert_int_equal(at("/dev/snd/pcmC63D0p")->status, STATUS_OK);
}

static void names_come_out_as_text_whatever_a_driver_says(void **state)
{
	(void)state;
	/* NOLINTNEXTLINE(misc-misleading-bidirectional) */
	machine.name = "Bad\x1b]0;\x07\n\xff\xc3(\xe2\x80\xae\\";
	check_sound();
	assert_non_null(strstr(at("/dev/snd/controlC0")->summary,
			       "Bad\\x1b]0;\\x07\\x0a\\xff\\xc3(\\xe2\\x80\\xae\\x5c ["));
	/* 80 bytes of escape character, not terminated. */
	assert_non_null(strstr(at("/dev/snd/pcmC0D0p")->summary, "\\x1b\\x1b"));
	assert_null(strchr(at("/dev/snd/pcmC0D0p")->summary, '\x1b'));
	machine.name = "a name of more than thirty-two bytes, which is not terminated either";
	check_sound();
	assert_non_null(
		strstr(at("/dev/snd/controlC0")->summary, "a name of more than thirty-two b ["));
}

static void one_pcm_that_fails(int error, const char *summary, const char *hint)
{
	machine.fails = "pcmC0D0p";
	machine.error = error;
	check_sound();
	assert_int_equal(at("/dev/snd/controlC0")->status, STATUS_OK);
	assert_int_equal(at("/dev/snd/pcmC0D0p")->status, STATUS_FAIL);
	if (!strstr(at("/dev/snd/pcmC0D0p")->summary, summary) ||
	    !strstr(at("/dev/snd/pcmC0D0p")->hint, hint))
		fail_msg("%s (%s)", at("/dev/snd/pcmC0D0p")->summary,
			 at("/dev/snd/pcmC0D0p")->hint);
}

static void busy_forbidden_and_gone_are_three_findings(void **state)
{
	(void)state;
	one_pcm_that_fails(EBUSY, "is busy", "fuser -v /dev/snd/pcmC0D0p");
	one_pcm_that_fails(EAGAIN, "is busy", "fuser -v /dev/snd/pcmC0D0p");
	one_pcm_that_fails(EPERM, "the device cgroup", "incus config device add ");
	one_pcm_that_fails(ENODEV, "its card is gone", "aplay -l on the host");
	one_pcm_that_fails(ENXIO, "its card is gone", "aplay -l on the host");
	one_pcm_that_fails(EIO, "cannot be opened", "dmesg on the host");
}

static void a_card_that_goes_while_it_is_asked_is_gone(void **state)
{
	(void)state;
	machine.ioctl_fails = (unsigned int)SNDRV_CTL_IOCTL_CARD_INFO;
	machine.ioctl_error = ENODEV;
	check_sound();
	assert_int_equal(of(CHECK_SOUND_CONTROL, STATUS_FAIL), 1);
	assert_non_null(strstr(at("/dev/snd/controlC0")->summary, "its card is gone"));
	assert_int_equal(of(CHECK_SOUND_PCM, STATUS_FAIL), 1);
	machine.ioctl_fails = (unsigned int)SNDRV_PCM_IOCTL_HW_REFINE;
	check_sound();
	assert_int_equal(of(CHECK_SOUND_CONTROL, STATUS_OK), 1);
	assert_non_null(strstr(at("/dev/snd/pcmC0D0p")->summary, "its card is gone"));
}

static void a_pcm_that_takes_no_stereo_says_what_it_has(void **state)
{
	(void)state;
	machine.channels_min = 6;
	check_sound();
	assert_int_equal(at("/dev/snd/pcmC0D0p")->status, STATUS_WARN);
	assert_non_null(strstr(at("/dev/snd/pcmC0D0p")->summary,
			       "does not take 48 kHz stereo; it has channels: 6-"));
	assert_non_null(strstr(at("/dev/snd/pcmC0D0p")->hint, "plughw"));
}

static void a_playback_device_without_its_node_is_told_of(void **state)
{
	(void)state;
	machine.endless = true;
	check_sound();
	assert_int_equal(at("/dev/snd/pcmC0D0p")->status, STATUS_OK);
	assert_int_equal(at("/dev/snd/pcmC0D1p")->status, STATUS_SKIP);
	assert_non_null(strstr(at("/dev/snd/pcmC0D1p")->hint, "snd-pcmC0D1p unix-char path="));
	/* A driver that always has one more is not asked for ever. */
	assert_int_equal(of(CHECK_SOUND_PCM, STATUS_SKIP), 32);
}

/* A launch that requires sound is not to go on for the sake of what is missing. */
static void a_playback_device_without_its_node_is_no_good_one(void **state)
{
	(void)state;
	machine.endless = true;
	one_pcm_that_fails(EBUSY, "is busy", "fuser -v /dev/snd/pcmC0D0p");
	assert_int_equal(of(CHECK_SOUND_PCM, STATUS_OK) + of(CHECK_SOUND_PCM, STATUS_WARN), 0);
	machine.devices = 0;
	check_sound();
	assert_int_equal(of(CHECK_SOUND_PCM, STATUS_OK) + of(CHECK_SOUND_PCM, STATUS_WARN), 0);
	assert_non_null(strstr(at("/dev/snd")->summary, "has no playback device"));
}

static void more_nodes_than_a_reader_takes_are_counted(void **state)
{
	(void)state;
	machine.cards = CARDS;
	machine.devices = 4;
	check_sound();
	assert_int_equal(of(CHECK_SOUND_CONTROL, STATUS_OK), CARDS);
	assert_int_equal(of(CHECK_SOUND_PCM, STATUS_OK), 200 - CARDS);
	assert_non_null(strstr(at("/dev/snd")->summary, "120 more nodes were not looked at"));
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	clear();
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_good_card_names_itself_and_takes_48_khz_stereo, defaults),
		cmocka_unit_test_setup(sixty_four_cards_are_all_told_of, defaults),
		cmocka_unit_test_setup(names_come_out_as_text_whatever_a_driver_says, defaults),
		cmocka_unit_test_setup(busy_forbidden_and_gone_are_three_findings, defaults),
		cmocka_unit_test_setup(a_card_that_goes_while_it_is_asked_is_gone, defaults),
		cmocka_unit_test_setup(a_pcm_that_takes_no_stereo_says_what_it_has, defaults),
		cmocka_unit_test_setup(a_playback_device_without_its_node_is_told_of, defaults),
		cmocka_unit_test_setup(a_playback_device_without_its_node_is_no_good_one, defaults),
		cmocka_unit_test_setup(more_nodes_than_a_reader_takes_are_counted, defaults),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
