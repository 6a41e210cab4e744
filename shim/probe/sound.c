/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sound cards in /dev/snd, through alsa-lib with a configuration in memory: its hw plugin alone,
 * so that no file of the application's has a say and a PCM is either the device or nothing.
 */
#include <alsa/asoundlib.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "groups.h"
#include "node.h"
#include "sound.h"
#include "text.h"

#define SND_MAJOR 116
#define RATE 48000u
#define MISSING_MAX 32 /* PCMs without a node that are told of */

struct sound {
	int dir;
	struct node_names names;
	bool control[SOUND_CARDS]; /* the card's control node is good */
	unsigned int controls;	   /* how many control nodes there are */
	unsigned int playback;	   /* how many playback nodes there are */
	unsigned int missing;	   /* how many playback PCMs have no node here */
	unsigned int told;	   /* how many nodes were looked at */
};

/* What alsa-lib has to say goes into the findings. */
__attribute__((format(printf, 5, 6))) static void
quiet(const char *file, int line, const char *function, int err, const char *format, ...)
{
	(void)file;
	(void)line;
	(void)function;
	(void)err;
	(void)format;
}

static void failed(const char *what, int err)
{
	switch (err) {
	case EBUSY:
	case EAGAIN:
		report_say("is busy");
		report_error(err);
		report_end(STATUS_FAIL, HINT_SOUND_BUSY);
		return;
	case ENXIO:
	case ENODEV:
	case ENOENT:
		report_say("its card is gone");
		report_error(err);
		report_end(STATUS_FAIL, HINT_SOUND_GONE);
		return;
	default:
		report_say(what);
		report_error(err);
		report_end(STATUS_FAIL, err == EROFS ? HINT_NODE_READ_ONLY : HINT_SOUND_ERROR);
	}
}

/* A driver's name is an array of its own, which nobody promises to be terminated. */
static void quote_field(const char *field, size_t size)
{
	char name[128];
	size_t len = strnlen(field, size);

	if (len >= sizeof(name))
		len = sizeof(name) - 1;
	memcpy(name, field, len);
	name[len] = '\0';
	report_quote(name);
}

/* An entry of alsa-lib's configuration for one device: "ctl.x { type hw card 0 }". */
static int configure(snd_config_t **config, const char *what, unsigned int card,
		     const unsigned int *device)
{
	char entry[64];
	struct text t;
	snd_input_t *in;
	int r;

	text_begin(&t, entry, sizeof(entry));
	text_str(&t, what);
	text_str(&t, ".x { type hw card ");
	text_num(&t, card);
	if (device) {
		text_str(&t, " device ");
		text_num(&t, *device);
	}
	text_str(&t, " }\n");
	r = snd_config_top(config);
	if (r < 0)
		return r;
	r = snd_input_buffer_open(&in, entry, (ssize_t)t.len);
	if (r == 0) {
		r = snd_config_load(*config, in);
		snd_input_close(in);
	}
	if (r < 0)
		snd_config_delete(*config);
	return r;
}

static bool has_node(const struct sound *s, const char *name)
{
	for (unsigned int i = 0; i < s->names.count; i++)
		if (!strcmp(s->names.at[i], name))
			return true;
	return false;
}

/* The card has a playback PCM: has it a node here, too? */
static void missing_node(struct sound *s, unsigned int card, unsigned int device)
{
	char name[32];
	char path[NODE_PATH];
	struct text t;

	text_begin(&t, name, sizeof(name));
	text_str(&t, "pcmC");
	text_num(&t, card);
	text_str(&t, "D");
	text_num(&t, device);
	text_str(&t, "p");
	if (has_node(s, name) || s->missing++ >= MISSING_MAX)
		return;
	node_path(SOUND_DIR, name, path);
	report_begin(CHECK_SOUND_PCM, path);
	report_say("the card can play there, the node is not here");
	/* Nobody can play there: neither good, nor a fault while there is another one. */
	report_end(STATUS_SKIP, HINT_SOUND_MISSING);
}

static void missing_nodes(struct sound *s, snd_ctl_t *ctl, unsigned int card)
{
	snd_pcm_info_t *info;
	int device = -1;

	if (snd_pcm_info_malloc(&info) < 0)
		return;
	while (snd_ctl_pcm_next_device(ctl, &device) == 0 && device >= 0 && device < 64) {
		snd_pcm_info_set_device(info, (unsigned int)device);
		snd_pcm_info_set_subdevice(info, 0);
		snd_pcm_info_set_stream(info, SND_PCM_STREAM_PLAYBACK);
		if (snd_ctl_pcm_info(ctl, info) == 0)
			missing_node(s, card, (unsigned int)device);
	}
	snd_pcm_info_free(info);
}

static int say_card(snd_ctl_t *ctl)
{
	snd_ctl_card_info_t *info;
	int r = snd_ctl_card_info_malloc(&info);

	if (r < 0)
		return r;
	r = snd_ctl_card_info(ctl, info);
	if (r == 0) {
		quote_field(snd_ctl_card_info_get_name(info), 32);
		report_say(" [");
		quote_field(snd_ctl_card_info_get_id(info), 16);
		report_say("], ");
		quote_field(snd_ctl_card_info_get_driver(info), 16);
	}
	snd_ctl_card_info_free(info);
	return r;
}

static void control(struct sound *s, const char *name, unsigned int card)
{
	snd_config_t *config;
	snd_ctl_t *ctl = NULL;
	struct stat st;
	int fd = node_open(s->dir, name, SND_MAJOR, &st);
	int r;

	if (fd == -ENOMSG)
		return;
	if (fd < 0) {
		failed("cannot be opened", -fd);
		return;
	}
	close(fd);
	r = configure(&config, "ctl", card, NULL);
	if (r == 0) {
		r = snd_ctl_open_lconf(&ctl, "x", SND_CTL_NONBLOCK, config);
		snd_config_delete(config);
	}
	if (r < 0) {
		failed("cannot be opened", -r);
		return;
	}
	r = say_card(ctl);
	if (r < 0) {
		failed("does not name its card", -r);
	} else {
		report_end(STATUS_OK, HINT_NONE);
		s->control[card] = true;
		missing_nodes(s, ctl, card);
	}
	snd_ctl_close(ctl);
}

static void say_range(const char *what, int r, unsigned int min, unsigned int max)
{
	if (r < 0)
		return;
	report_say(what);
	report_number(min);
	if (max != min) {
		report_say("-");
		report_number(max);
	}
}

static void say_offer(snd_pcm_hw_params_t *params)
{
	unsigned int min = 0;
	unsigned int max = 0;
	int r = snd_pcm_hw_params_get_channels_min(params, &min);

	r = r < 0 ? r : snd_pcm_hw_params_get_channels_max(params, &max);
	say_range("; it has channels: ", r, min, max);
	r = snd_pcm_hw_params_get_rate_min(params, &min, NULL);
	r = r < 0 ? r : snd_pcm_hw_params_get_rate_max(params, &max, NULL);
	say_range(", Hz: ", r, min, max);
}

/* Refines only: nothing is set on the device, and what plays on it is not disturbed. */
static int takes_stereo(snd_pcm_t *pcm, snd_pcm_hw_params_t *params)
{
	static const snd_pcm_format_t formats[] = {
		SND_PCM_FORMAT_S16,   SND_PCM_FORMAT_S32,     SND_PCM_FORMAT_S24,
		SND_PCM_FORMAT_FLOAT, SND_PCM_FORMAT_S24_3LE, SND_PCM_FORMAT_S24_3BE,
		SND_PCM_FORMAT_U8,
	};

	if (snd_pcm_hw_params_set_channels(pcm, params, 2) < 0 ||
	    snd_pcm_hw_params_set_rate(pcm, params, RATE, 0) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (snd_pcm_hw_params_test_format(pcm, params, formats[i]) < 0)
			continue;
		report_say("48 kHz stereo, ");
		report_say(snd_pcm_format_name(formats[i]));
		return 0;
	}
	return -EINVAL;
}

static void say_pcm(snd_pcm_t *pcm)
{
	snd_pcm_info_t *info;

	if (snd_pcm_info_malloc(&info) < 0)
		return;
	if (snd_pcm_info(pcm, info) == 0) {
		/* Half of its room: escaped it may be four times as long, and the verdict follows. */
		quote_field(snd_pcm_info_get_name(info), 40);
		report_say(": ");
	}
	snd_pcm_info_free(info);
}

static void judge(snd_pcm_t *pcm)
{
	snd_pcm_hw_params_t *params;
	int r = snd_pcm_hw_params_malloc(&params);

	if (r < 0) {
		failed("cannot be asked", -r);
		return;
	}
	r = snd_pcm_hw_params_any(pcm, params);
	if (r < 0) {
		failed("does not tell what it takes", -r);
	} else {
		say_pcm(pcm);
		if (takes_stereo(pcm, params) == 0) {
			report_end(STATUS_OK, HINT_NONE);
		} else {
			report_say("does not take 48 kHz stereo");
			if (snd_pcm_hw_params_any(pcm, params) >= 0)
				say_offer(params);
			report_end(STATUS_WARN, HINT_SOUND_FORMAT);
		}
	}
	snd_pcm_hw_params_free(params);
}

static void playback(struct sound *s, const char *name, const struct sound_node *node)
{
	snd_config_t *config;
	struct stat st;
	snd_pcm_t *pcm = NULL;
	int r;

	if (!node_is_device(s->dir, name, SND_MAJOR, &st))
		return;
	if (!s->control[node->card]) {
		report_say("cannot be opened without the control node of its card, controlC");
		report_number(node->card);
		report_end(STATUS_FAIL, HINT_SOUND_NO_CONTROL);
		return;
	}
	r = configure(&config, "pcm", node->card, &node->device);
	if (r == 0) {
		r = snd_pcm_open_lconf(&pcm, "x", SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK,
				       config);
		snd_config_delete(config);
	}
	if (r == -EACCES || r == -EPERM) {
		node_forbidden(s->dir, name, &st, -r);
	} else if (r < 0) {
		failed("cannot be opened", -r);
	} else {
		judge(pcm);
		snd_pcm_close(pcm);
	}
}

static void no_sound(int err)
{
	report_begin(CHECK_SOUND_CONTROL, SOUND_DIR);
	node_no_directory(err, "no sound card here", HINT_SOUND_NO_DIRECTORY);
	report_skip(CHECK_SOUND_PCM, SOUND_DIR, "no sound card here");
}

static void misnamed(void)
{
	report_say("is no name of a sound device");
	report_end(STATUS_FAIL, HINT_NODE_NOT_A_DEVICE);
}

/* Controls come first: a PCM needs its card's. */
static void look(struct sound *s, enum sound_kind wanted)
{
	for (unsigned int i = 0; i < s->names.count; i++) {
		char path[NODE_PATH];
		struct sound_node node;

		if (sound_node(s->names.at[i], &node) != wanted)
			continue;
		s->controls += wanted == SOUND_CONTROL;
		s->playback += wanted == SOUND_PLAYBACK;
		if (s->told++ >= NODE_FINDINGS) {
			s->names.left_out++;
			continue;
		}
		node_path(SOUND_DIR, s->names.at[i], path);
		report_begin(wanted == SOUND_PLAYBACK ? CHECK_SOUND_PCM : CHECK_SOUND_CONTROL,
			     path);
		if (wanted == SOUND_CONTROL)
			control(s, s->names.at[i], node.card);
		else if (wanted == SOUND_PLAYBACK)
			playback(s, s->names.at[i], &node);
		else
			misnamed();
	}
}

static void nothing_found(const struct sound *s)
{
	if (!s->controls) {
		report_begin(CHECK_SOUND_CONTROL, SOUND_DIR);
		report_say(s->names.count ? "has no control node" : "is empty of cards");
		report_end(STATUS_FAIL, HINT_SOUND_NO_NODES);
	}
	if (!s->playback && !s->names.count) {
		report_skip(CHECK_SOUND_PCM, SOUND_DIR, "no sound card here");
	} else if (!s->playback) {
		report_begin(CHECK_SOUND_PCM, SOUND_DIR);
		report_say("has no playback device");
		report_end(STATUS_FAIL, HINT_SOUND_NO_PLAYBACK);
	}
	node_left_out(CHECK_SOUND_CONTROL, SOUND_DIR, &s->names);
}

void sound_check(const struct probe *p)
{
	static const char *const words[2] = {"controlC", "pcmC"};
	static struct sound s;
	int r;

	(void)p;
	s.dir = open(SOUND_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = s.dir < 0 ? -errno : node_list(s.dir, words, &s.names);
	if (r < 0) {
		no_sound(-r);
		return;
	}
	snd_lib_error_set_handler(quiet);
	look(&s, SOUND_CONTROL);
	look(&s, SOUND_PLAYBACK);
	look(&s, SOUND_MISNAMED);
	nothing_found(&s);
	close(s.dir);
}
