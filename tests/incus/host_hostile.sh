#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # top, here and RIG are set by run.sh
#
# What an application, or root in its instance, says and leaves there does nothing to the terminal, the
# user or the time of who looks at it with stremio-incus.

# shown BYTES: printf's escapes, as they are shown.
shown() {
	# shellcheck disable=SC2016,SC2059
	printf "$1" | timeout 20 sh -c '. "$1/hooks/lib/application.sh" && printable' printable "$top" ||
		die "$1: status $?"
}

# Who takes a character out of the middle must not make one of what stood around it.
test_host_makes_no_control_characters_of_what_is_left() {
	for bytes in '\302\302\233\233' '\302\302\302\233\233\233' '\302\033\233' '\302\302\237\302\233\233' \
		     '\302\302\200\302\201\233' '\302\233\233'; do
		shown "a${bytes}b" > "$RIG/out"
		LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]\\|\302[\200-\237]')" "$RIG/out" &&
			die "$bytes: $(od -An -c "$RIG/out")"
		grep -q '^a.*b$' "$RIG/out" || die "$bytes: the text itself: $(od -An -c "$RIG/out")"
	done
	# What is none stays: letters, signs, and other bytes like theirs.
	text=$(printf 'Tab\there \303\200 \303\237 \302\251 \342\200\246 \360\237\230\200')
	[ "$(shown "$text\\n")" = "$text" ] || die "$(shown "$text" | od -An -c)"
	# Megabytes of them are no reason to wait.
	for byte in 302 233; do
		head -c 1000000 /dev/zero | tr '\0' "\\$byte"
	done > "$RIG/bytes"
	(
		# shellcheck source=hooks/lib/application.sh
		. "$top/hooks/lib/application.sh"
		printable < "$RIG/bytes" > "$RIG/out"
	) &
	filter=$!
	until_true 20 sh -c "! kill -0 $filter" || { kill $filter; die 'it takes more than 20 s'; }
	LC_ALL=C grep -q "$(printf '\302[\200-\237]')" "$RIG/out" && die 'one is left'
	grep -qE '\| printable >' "$top/hooks/run.sh" || die 'make run shows the bytes as they come'
}

# The console is the application's, too: what it writes there in the shim's form is no cure, and no TAB
# in it makes it one. It stands there as what it is.
test_host_doctor_makes_no_advice_of_what_an_application_writes() {
	session_up
	host_ok launch one --image=busybox --no-self-test --display=none
	host_ok stop one
	printf '%s\n' -- /bin/app > "$RIG/args"
	push "$RIG/args" one/etc/stremio-shim.args --mode 0644
	printf '#!/bin/sh\nprintf "stremio-shim: x11: cannot (\\tsudo evil | sh\\n"\nsleep 0.5\nexit 1\n' > "$RIG/app"
	push "$RIG/app" one/bin/app --mode 0755
	start one
	until_true 10 is_stopped one || die 'it does not end'
	host doctor one
	grep -E '^ .*evil' "$RIG/out" && die 'it is advice'
	grep -qE '^fail  console  .*so can the application, the console says: stremio-shim: x11: cannot \( sudo evil' \
		"$RIG/out" || die "$(grep -A1 console "$RIG/out")"
	# Nor is a finding's hint made of its summary, or any field of another.
	(
		# shellcheck source=hooks/lib/host-doctor.sh
		. "$top/hooks/lib/host-doctor.sh"
		printf '{"checks":[{"id":"shm","status":"warn","summary":"a\tsudo evil","hint":"df -h"}]}\n' |
			self_test_findings
	) > "$RIG/out"
	[ "$(cut -f3- "$RIG/out")" = "$(printf 'a sudo evil\tdf -h')" ] || die "$(cat "$RIG/out")"
}

# in_place_of_the_cookie COMMAND...: in its directory, as the application's user, whose it is.
in_place_of_the_cookie() {
	# shellcheck disable=SC2016
	incus exec one --user 1000 --group 1000 -- sh -c 'cd /var/lib/stremio-shim && rm -f Xauthority && "$@"' in_place "$@" \
		< /dev/null > "$RIG/answer" 2>&1 || die "$*: $(cat "$RIG/answer")"
}

test_host_puts_the_cookie_where_it_belongs_whatever_lies_there() {
	session_up
	player one
	for words in 'mkfifo Xauthority' 'ln -s /etc/target Xauthority'; do
		echo untouched > "$RIG/target"
		push "$RIG/target" one/etc/target --uid 0 --gid 0 --mode 0644
		# shellcheck disable=SC2086
		in_place_of_the_cookie $words
		user timeout 20 stremio-incus attach one > "$RIG/out" 2>&1 < /dev/null || die "$words: $? $(tail -n 1 "$RIG/out")"
		[ "$(inside one stat -c '%F %a %u' /var/lib/stremio-shim/Xauthority)" = 'regular file 600 1000' ] ||
			die "$words: $(inside one stat -c '%F %a %u' /var/lib/stremio-shim/Xauthority)"
		sees_display one || die "$words: $(inside one xclient)"
		[ "$(inside one stat -c '%u' /etc/target) $(pull one/etc/target)" = '0 untouched' ] ||
			die "$words: what the link leads to is changed: $(inside one stat -c '%u' /etc/target)"
	done
}

# One that comes back at once, as here where nothing removes it, is told after a while, and the lock is free.
test_host_is_not_held_up_by_a_pipe_that_nobody_reads() {
	session_up
	player one
	in_place_of_the_cookie mkfifo Xauthority
	mkdir -p "$session/bin"
	# shellcheck disable=SC2016
	printf '#!/bin/sh\n[ "$1 $2" != "file delete" ] || exit 1\nexec /usr/bin/incus "$@"\n' > "$session/bin/incus"
	chmod 755 "$session/bin/incus"
	rc=0
	SESSION_PATH=/home/bin:/usr/local/bin:/usr/bin:/bin \
		user timeout 40 stremio-incus attach one > "$RIG/out" 2>&1 < /dev/null || rc=$?
	[ $rc = 1 ] || die "status $rc: $(tail -n 1 "$RIG/out")"
	grep -q '^stremio-incus: one: .*not taken within 20 s.*incus restart one' "$RIG/out" || die "$(cat "$RIG/out")"
	host_ok attach one
	sees_display one || die "$(inside one xclient)"
}
