#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# The profile. For sourcing by stremio-incus and run.sh.
#
#   profile_text FILE [POOL]    FILE for that storage pool
#   profile_system FILE         FILE for full system containers: their own init stays PID 1
#   profile_pool                pool: this Incus's default, else its first
#   profile_compare             what Incus has for it: profile_is absent, shipped, older or changed
#   profile_remedy              the command that brings the file's back
#   profile_apply               make or update it in Incus, where it is not so already
#   guest_source FILE           the host directory with the shim that FILE names

profile_text() {
	sed "s|^\\( *pool:\\) .*|\\1 ${2:-default}|" "$1"
}

# Its own init mounts what the shim would; Ready is nobody's to say; and the application is
# started by `incus exec`, through the shim.
profile_system() {
	sed -e 's/^name: .*/name: stremio-system/' \
		-e 's/^description: .*/description: Stremio through stremio-shim in a full system container/' \
		-e '/^ *# lxc\.init\.cmd:/,/^ *# lxc\.mount/{/^ *# lxc\.mount/!d;}' \
		-e '/^ *lxc\.init\.cmd = /d' \
		-e 's/^\(#.*\)profile create stremio < .*/\1profile create stremio-system < FILE/' \
		-e 's/^\(#.*\)--profile stremio$/\1--profile stremio-system/' "$1"
}

# Sets pool; empty when there is none.
profile_pool() {
	incus storage list -f csv -c n < /dev/null > "$work/pools" 2> "$work/error" || run_failed storage
	pool=$(grep -x default "$work/pools" || head -n 1 "$work/pools")
}

guest_source() {
	sed -n '/^  stremio-shim:/,$s/^ *source: //p' "$1" | head -n 1
}

profile_problem() {
	source=$(guest_source "$profile_file")
	[ -x "$source/stremio-shim" ] ||
		echo "no stremio-shim in $source, which the profile gives to every instance (make install)"
}

# The configuration and devices of a profile, from its file or as Incus shows it, which has dropped
# the comments and the file's order and quotes; without what this program keeps there.
profile_sum() {
	awk '
	{ match($0, /^ */); deep = RLENGTH }
	/^[^ #]/ { section = $1; at = 99; next }
	section != "config:" && section != "devices:" { next }
	# The lines of a block.
	deep > at { sub(/^ */, ""); printf "%s %03d %s\n", path, ++line, $0; next }
	/^ *(#|$)/ || !match($0, /:( |$)/) { next }
	{
		key = substr($0, deep + 1, RSTART - deep)
		value = substr($0, RSTART + 2)
		at = 99
	}
	value == "" { device = key; next }
	{
		at = deep
		line = 0
		path = section (section == "devices:" ? device : "") key
		if (value ~ /^[|>]/)
			value = ""
		else if (value ~ /^".*"$/ || value ~ /^\047.*\047$/)
			value = substr(value, 2, length(value) - 2)
	}
	key !~ /^user\.stremio-shim\./ { print path, value }' | sort | sha256sum | cut -d' ' -f1
}

# Needs pool. `older` is what launch has put there from another file. What anybody else has made of it
# is theirs, and may be less of a confinement: it is neither overwritten nor called fine.
profile_compare() {
	profile_text "$profile_file" "$pool" > "$work/profile.yaml"
	sum=$(profile_sum < "$work/profile.yaml")
	profile_is=absent
	incus profile show "$profile" > "$work/profile.held" 2> "$work/error" < /dev/null || return 0
	# Digits only would be in quotes.
	kept=$(sed -n 's/^  user\.stremio-shim\.sum: "*\([0-9a-f]*\)"*$/\1/p' "$work/profile.held")
	case $(profile_sum < "$work/profile.held") in
	"$sum") profile_is=shipped ;;
	"$kept") profile_is=older ;;
	*) profile_is=changed ;;
	esac
}

profile_remedy() {
	case ${pool:-default} in
	default) echo "incus profile edit $profile < $(quoted "$profile_file")" ;;
	*) echo "sed 's/pool: .*/pool: $pool/' $(quoted "$profile_file") | incus profile edit $profile" ;;
	esac
}

profile_apply() {
	[ -r "$profile_file" ] ||
		missing profile "$profile_file is not there (make install)"
	why=$(profile_problem)
	[ -z "$why" ] || missing profile "$why"
	profile_pool
	[ -n "$pool" ] || missing profile 'Incus has no storage pool (incus admin init --minimal)'
	profile_compare
	case $profile_is in
	absent)
		grep -q 'not found' "$work/error" || run_failed profile
		say "profile $profile: making it"
		run profile incus profile create "$profile" ;;
	shipped)
		# Made by hand: from now on a newer file updates it.
		[ "$kept" = "$sum" ] || run profile incus profile set "$profile" "user.stremio-shim.sum=$sum"
		return 0 ;;
	older) say "profile $profile: updating it" ;;
	changed)
		warn profile "$profile is not as launch made it, and is left so ($(profile_remedy) brings the shipped one back)"
		return 0 ;;
	esac
	if [ "$dry_run" = 1 ]; then
		printf 'sed %s %s | incus profile edit %s\n' \
			"$(quoted "s|^\\( *pool:\\) .*|\\1 $pool|")" "$(quoted "$profile_file")" "$profile"
	else
		run_from "$work/profile.yaml" profile incus profile edit "$profile"
		# As Incus has it, should a file's YAML be beyond what profile_sum reads.
		incus profile show "$profile" > "$work/profile.held" 2> "$work/error" < /dev/null || run_failed profile
		sum=$(profile_sum < "$work/profile.held")
	fi
	run profile incus profile set "$profile" "user.stremio-shim.sum=$sum"
}

verb_profile() {
	kind=plain
	for word in "$@"; do
		case $word in
		--system) kind=system ;;
		*) usage_error "profile: $word: not understood" ;;
		esac
	done
	[ -r "$profile_file" ] ||
		missing profile "$profile_file is not there (make install)"
	if [ $kind = system ]; then
		profile_system "$profile_file"
	else
		cat "$profile_file"
	fi
}
