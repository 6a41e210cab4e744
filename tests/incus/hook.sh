#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and FAKE are set by run.sh and the rig
#
# stremio-hook: devices of the host in instances, at start, while they run, and never where they
# do not belong.

# A node without a driver answers an open with ENXIO, in BusyBox's words "No such device or
# address": the permission was there. EACCES is "Permission denied".
opens() {
	incus exec "$1" --user "$2" --group "$3" -- sh -c ": < /dev/$4" 2>&1
}

can_open() { opens "$@" | grep -q 'No such device or address'; }
may_not_open() { opens "$@" | grep -q 'Permission denied'; }

hook() { in_daemon "$FAKE/stremio-hook" "$@"; }
nodes_in() { incus exec "$1" -- sh -c 'cd /dev && find . -name "[rcpt]*[0-9rpc]" -type c | grep -E "/(dri|snd)/" | sort' | sed 's,^\./,,'; }
hook_log() { incus info "$1" --show-log 2> /dev/null | grep 'stremio-hook - '; }
no_state() { ! in_daemon test -e "/run/stremio-shim/$1"; }

test_hook_wires_the_render_node_before_pid_1_starts() {
	fake_desktop
	# The first thing the application does: nothing may come later than that.
	instance wired <<-'END'
	#!/bin/sh
	ls -ln /dev/dri /dev/snd > ~/nodes
	{ : < /dev/dri/renderD128; } 2> ~/answer
	exec sleep 1000
	END
	start wired
	wait_home wired answer
	home wired nodes | grep -qE '^crw-rw---- +1 0 +1000 +226, 128 .* renderD128$' ||
		die "$(home wired nodes | grep render || echo 'no render node'); $(hook_log wired)"
	home wired answer | grep -q 'No such device or address' || die "$(home wired answer)"
	may_not_open wired 1001 1001 dri/renderD128 || die "another user: $(opens wired 1001 1001 dri/renderD128)"
}
