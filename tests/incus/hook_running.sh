#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # RIG is set by run.sh
#
# stremio-hook and an application that runs meanwhile: devices that come to it, and that go.

# saw NAME NODE ANSWER: of its application's last look.
saw() { home "$1" answer | grep -q "/dev/$2.*$3"; }

# What `incus exec` starts is confined anew. The application's Landlock rules are of the directories
# that were there when it started.
test_hook_serves_a_running_application_the_first_card_and_the_only_one_again() {
	fake_nothing
	fake_drm renderD128 128
	instance lasting <<-'END'
	#!/bin/sh
	while :; do
		cat /dev/dri/renderD128 /dev/snd/controlC0 > ~/now 2>&1
		mv ~/now ~/answer
		sleep 0.2
	done
	END
	start lasting
	until_true 10 saw lasting dri/renderD128 'No such device' || die "start: $(home lasting answer)"
	[ "$(answered incus exec lasting --cwd /dev -- ls -ldn dri snd | grep -c '^drwxr-xr-x .* 0 *0 ')" = 2 ] ||
		die "$(incus exec lasting --cwd /dev -- ls -ldn dri snd)"
	fake_nothing
	hook plug || die plug
	until_true 10 saw lasting dri/renderD128 'No such file' || die "unplugged: $(home lasting answer)"
	fake_desktop
	hook plug || die plug
	for node in dri/renderD128 snd/controlC0; do
		until_true 10 saw lasting $node 'No such device' || die "plugged: $(home lasting answer | tr '\n' ' ')"
	done
	# Nothing is made that nobody has asked for.
	incus stop -f lasting
	incus config set lasting environment.STREMIO_DEVICES=gpu
	start lasting
	until_true 10 saw lasting snd/controlC0 'No such file' || die "gpu: $(home lasting answer)"
	answered incus exec lasting -- ls /dev | grep -x snd && die 'a directory for sound'
	true
}
