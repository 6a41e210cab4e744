#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # RIG, BUILD and top are the tier's
#
# The escape suite in a real Incus container, for the Incus tier to source: as the application
# under the shim as PID 1, and under a shim started later by `incus exec`. No Python and no
# shell is needed inside but for these lines.

# escape_instance NAME: one with the suite and its helper files, stopped.
escape_instance() {
	${MAKE:-make} -s --no-print-directory -C "$top" -f tests/container/escape/escape.mk \
		BUILD="$BUILD" escape-programs || die 'the escape suite does not build'
	# What --prepare makes takes more capabilities than an exec has by default.
	instance "$1" --exec-bounding=full -- /bin/sleep 1000
	incus file push -q -p "$BUILD/escape/escape" "$1/opt/escape/escape" --mode 0755 ||
		die 'cannot push the suite'
	start "$1"
	until_true 10 is_ready "$1" || die "$1 is not ready"
	incus exec "$1" -- /opt/escape/escape --prepare=/opt/escape/helpers ||
		die 'cannot make the helper files'
	# What Landlock alone can keep from it.
	incus exec "$1" -- /bin/sh -c 'mkdir -p /srv /var/lib/escape /var/log /root /usr
		chmod 777 /srv /var/lib/escape && chmod 755 /root
		echo x > /root/secret && echo x > /var/log/readable && chmod 644 /root/secret' ||
		die 'cannot make the other files'
	stop "$1"
	cat > "$RIG/app" << 'END'
#!/bin/sh
while ! grep -qs -e --sit /proc/[0-9]*/cmdline; do sleep 0.1; done
exec /opt/escape/escape --victim=find "$@" > "$HOME/escape.out" 2>&1
END
	incus file push -q "$RIG/app" "$1/bin/app" --mode 0755 || die 'cannot push the application'
}

escape_force() {
	! "$BUILD/stremio-shim" --help | grep -q -- --landlock ||
		[ "$("$BUILD/escape/escape" --landlock-abi)" -lt 1 ] || echo --in-force=landlock
}

# escape_judge FILE NAME: its counts, or what was reached; kept as NAME
escape_judge() {
	grep -q '^# attempts' "$1" || die "the suite did not end: $(tail -n 1 "$1")"
	grep -q 'unexpected 0$' "$1" || die "$(grep -E '^(reached|broken) ' "$1" |
		grep -Ev '\[(control|open by design)\]$' | cut -c1-120 | head -n 5 | paste -s -d ';')"
	! grep -q 'other user.s process is in sight' "$1" || die 'there was no other process to look at'
	cp "$1" "$BUILD/escape/$2"
	sed -n 's/^# attempts/attempts/p' "$1"
}

has_counts() { home "$1" escape.out | grep -q '^# attempts'; }

test_nothing_is_reached_as_the_application() {
	escape_instance esc
	# shellcheck disable=SC2046
	printf '%s\n' -- /bin/app $(escape_force) > "$RIG/args"
	incus file push -q "$RIG/args" esc/etc/stremio-shim.args --mode 0644
	start esc
	incus exec esc --user 4242 -- /opt/escape/escape --sit < /dev/null > /dev/null 2>&1 &
	until_true 60 has_counts esc || { said esc | tail -n 3; die 'the suite did not end'; }
	home esc escape.out > "$RIG/escape.out"
	escape_judge "$RIG/escape.out" incus-pid1.txt
}

test_nothing_is_reached_by_a_launch_through_exec() {
	escape_instance esx
	printf '%s\n' -- /bin/sleep 1000 > "$RIG/args"
	incus file push -q "$RIG/args" esx/etc/stremio-shim.args --mode 0644
	start esx
	until_true 10 is_ready esx || die 'esx is not ready'
	incus exec esx --user 4242 -- /opt/escape/escape --sit < /dev/null > /dev/null 2>&1 &
	# shellcheck disable=SC2046
	timeout 60 incus exec esx --cwd / -- /opt/stremio-shim/stremio-shim -- \
		/opt/escape/escape --victim=find $(escape_force) < /dev/null > "$RIG/escape.out" 2>&1 || :
	escape_judge "$RIG/escape.out" incus-exec.txt
}
