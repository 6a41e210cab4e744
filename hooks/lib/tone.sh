#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What a recording holds, without ears. For sourcing.
#
#   tone FILE     hertz of the tone in it; fails on silence

# The frequency of 16 bit mono samples at 48 kHz: rising zero crossings, interpolated, in 3 s
# from the first second on. Prints hertz; fails on silence.
tone() {
	od -An -v -td2 -w2 -j 96000 -N 288000 "$1" | awk '
	NR > 1 && last < 0 && $1 >= 0 {
		at = NR - 1 + last / (last - $1)
		if (!n++)
			first = at
		end = at
	}
	{ last = $1; if ($1 > peak) peak = $1 }
	END {
		if (n < 2 || peak < 300)
			exit 1
		printf "%.2f\n", (n - 1) / (end - first) * 48000
	}'
}
