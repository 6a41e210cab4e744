#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top and BUILD are the caller's
#
# Incus for the stack tier: a private daemon, the shipped profile with its one host path
# rewritten, and one instance of the stack's own image with a read-only root, which the scenarios
# use in turn. For sourcing by run.sh.
#
#   stack_rig_up ROOT    ROOT.squashfs and ROOT.meta.tar are the image; sets RIG, STACK_INSTANCE
#   stack_rig_down

stack_rig_up() {
	packages_install incus >&2 || return 1
	RIG=$(mktemp -d "$BUILD/stack/incus.XXXXXX") || return 1
	chmod 711 "$RIG"
	incusd_start "$RIG/incus" 9>&- || return 1
	image_import "$1" stack || return 1
	install -D "$SHIM" "$RIG/guest/stremio-shim" || return 1
	install "$BUILD/stremio-probe" "$RIG/guest/stremio-probe" || return 1
	sed "s|/usr/local/lib/stremio-shim/guest|$RIG/guest|" "$top/incus-profile.yaml" |
		incus profile create stremio > /dev/null || return 1
	# Named for this run: control groups of other daemons' instances are beside its.
	STACK_INSTANCE=stack-$$
	export STACK_INSTANCE
	incus init stack "$STACK_INSTANCE" --no-profiles --profile stremio < /dev/null \
		> "$RIG/out" 2>&1 || { grep -m1 Error "$RIG/out" >&2; return 1; }
	# A mount point that a read-only root must bring along.
	incus file create -q -p --type=directory "$STACK_INSTANCE/tmp/.X11-unix" || return 1
	incus config device override "$STACK_INSTANCE" root readonly=true > /dev/null
}

stack_rig_down() {
	[ -n "${RIG:-}" ] || return 0
	incusd_stop "$RIG/incus"
	rm -rf "$RIG"
}
