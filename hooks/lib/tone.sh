#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a recording holds, without ears. For sourcing.
#
#   tone FILE [SECOND]   hertz of the tone in it, from that second on; fails on silence
#   tone_of_clip FILE [SECOND]   whether that is the tone of image.sh's clip, with hertz; if not, why

# The frequency of 16 bit mono samples at 48 kHz: rising zero crossings, interpolated, in 3 s from
# SECOND on, 1 by default. Prints hertz; fails on silence and where there are not so many samples.
tone() {
	od -An -v -td2 -w2 -j $((${2:-1} * 96000)) -N 288000 "$1" | awk '
	NR > 1 && last < 0 && $1 >= 0 {
		at = NR - 1 + last / (last - $1)
		if (!n++)
			first = at
		end = at
	}
	{ last = $1; if ($1 > peak) peak = $1 }
	END {
		if (NR < 144000 || n < 2 || peak < 300)
			exit 1
		printf "%.2f\n", (n - 1) / (end - first) * 48000
	}'
}

tone_of_clip() {
	why="silence, or less than 3 s, in $1 from second ${2:-1} on"
	hertz=$(tone "$@") || return 1
	# shellcheck disable=SC2034 # for the caller
	why="$hertz Hz, where the clip has 440, in $1 from second ${2:-1} on"
	echo "$hertz" | awk '{ exit !($1 > 435 && $1 < 445) }'
}
