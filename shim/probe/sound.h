/* SPDX-License-Identifier: Apache-2.0 */
/* sound: the names of the nodes in /dev/snd. */
#ifndef SHIM_PROBE_SOUND_H
#define SHIM_PROBE_SOUND_H

#define SOUND_DIR "/dev/snd"
#define SOUND_CARDS 256 /* the kernel's largest CONFIG_SND_MAX_CARDS */

enum sound_kind { SOUND_CONTROL, SOUND_PLAYBACK, SOUND_CAPTURE, SOUND_MISNAMED };

struct sound_node {
	unsigned int card;   /* below SOUND_CARDS */
	unsigned int device; /* of a PCM */
};

/**
 * sound_node() - what a name that begins like a control's or a PCM's stands for.
 * @name: "controlC0", "pcmC0D3p", "pcmC0D0c". @node: out, unless it is misnamed.
 * Return: which kind; SOUND_MISNAMED for anything the kernel would not write so.
 */
enum sound_kind sound_node(const char *name, struct sound_node *node);

#endif
