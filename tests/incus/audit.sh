#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # RIG is the tier's
#
# --audit on a real instance: below Incus's own filter, and beside its interception.

# An application that tries to mount, which the policy denies.
audited() {
	instance "$1" <<-'END'
	#!/bin/sh
	mount -t tmpfs none /tmp 2> "$HOME/mount"
	cat /proc/self/status > "$HOME/status"
	touch "$HOME/done"
	exec sleep 1000
	END
	incus config set "$1" environment.STREMIO_AUDIT=1 || die 'cannot set STREMIO_AUDIT'
}

# The console's record is there a moment after the write.
has_said() { said "$1" | grep -q -- "$2"; }

test_denied_calls_are_named_on_the_console() {
	audited audited
	start audited
	wait_home audited 'done'
	until_true 5 has_said audited 'audit: mount\[[0-9]*\]: mount(.*EPERM' ||
		die "not named: $(said audited | tail -n 2)"
	home audited mount | grep -qi 'permi' || die "another answer: $(home audited mount)"
	stop audited
}

test_audit_gives_way_to_the_interception_of_incus() {
	audited intercepted
	incus config set intercepted security.syscalls.intercept.mknod=true ||
		die 'cannot set the interception'
	start intercepted
	wait_home intercepted 'done'
	until_true 5 has_said intercepted 'audit: denied calls are not named.*intercept' || die "no warning: $(said intercepted | tail -n 2)"
	home intercepted mount | grep -qi 'permi' ||
		die "not confined: $(home intercepted mount)"
	# Incus's and ours.
	filters=$(home intercepted status | sed -n 's/^Seccomp_filters:[[:space:]]*//p')
	[ "$filters" -ge 2 ] || die "$filters filters on the application"
	stop intercepted
}
