#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# The profile. For sourcing by stremio-incus and run.sh.
#
#   profile_text FILE [POOL]    FILE for that storage pool
#   profile_system FILE         FILE for full system containers: their own init stays PID 1
#   profile_pool                pool: this Incus's default, else its first
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

profile_apply() {
	[ -r "$profile_file" ] ||
		missing profile "$profile_file is not there (make install)"
	why=$(profile_problem)
	[ -z "$why" ] || missing profile "$why"
	profile_pool
	[ -n "$pool" ] || missing profile 'Incus has no storage pool (incus admin init --minimal)'
	profile_text "$profile_file" "$pool" > "$work/profile.yaml"
	# Incus drops the comments, so the file's sum is kept with it.
	sum=$(sha256sum < "$work/profile.yaml" | cut -d' ' -f1)
	if ! incus profile get "$profile" user.stremio-shim.sum > "$work/sum" 2> "$work/error" < /dev/null; then
		grep -q 'not found' "$work/error" || run_failed profile
		say "profile $profile: making it"
		run profile incus profile create "$profile"
	elif [ "$(cat "$work/sum")" = "$sum" ]; then
		return 0
	else
		say "profile $profile: updating it"
	fi
	if [ "$dry_run" = 1 ]; then
		printf 'sed %s %s | incus profile edit %s\n' \
			"$(quoted "s|^\\( *pool:\\) .*|\\1 $pool|")" "$(quoted "$profile_file")" "$profile"
	else
		run_from "$work/profile.yaml" profile incus profile edit "$profile"
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
