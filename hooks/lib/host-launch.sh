#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# launch and stop. For sourcing by stremio-incus.

# When an instance comes to nothing: what PID 1 and Incus say of it.
# For a moment after its end Incus answers with an error in place of the logs.
launch_why() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		! incus console "$1" --show-log < /dev/null > "$work/console" 2> /dev/null || break
		sleep 0.2
	done
	printable < "$work/console" | sed '/^$/d' | tail -n 5 | sed 's/^/  console | /' >&2
	incus info "$1" --show-log < /dev/null 2> /dev/null | printable |
		sed -n 's/^lxc .* ERROR  *\(.*\)$/  lxc.log | \1/p; s/.*\(Child <[0-9]*> ended on .*\)/  lxc.log | \1/p' |
		tail -n 5 >&2
}

# launch_image NAME: what it is made from, $image, is there; the default image is made when nobody
# has, by who sees that it takes its time: not from the desktop's menu.
launch_image() {
	if [ "$instance_state" != absent ]; then
		image_differs "$1"
		return
	fi
	image=${opt_image:-$default_image}
	case $image in *:*) return ;; esac
	[ -n "$(image_sum "$image")" ] || image_missing "$1"
}

# image_sum IMAGE: its fingerprint; nothing where there is no such image, in $work/error why not.
image_sum() {
	case $1 in
	*:*)
		timeout 30 incus image info "$1" < /dev/null 2> "$work/error" | sed -n 's/^Fingerprint: //p' ;;
	*)
		incus query "/1.0/images/aliases/$1?project=$project_arg" < /dev/null 2> /dev/null |
			sed -n 's/^\t"target": "\(.*\)",*$/\1/p' | grep . ||
			incus query "/1.0/images/$1?project=$project_arg" < /dev/null 2> "$work/error" |
			sed -n 's/^\t"fingerprint": "\(.*\)",*$/\1/p' ;;
	esac
}

# image_differs NAME: an instance keeps the image that it was made from, as what is in it goes with it.
# Without a word the image meant is the one it was made from, which may have been made anew since.
image_differs() {
	image=${opt_image:-$(own_key user.stremio-shim.image)}
	case $opt_image:$image in
	:|:*:*) return ;;
	esac
	sum=$(image_sum "$image")
	[ -n "$sum" ] || {
		[ -n "$opt_image" ] || return 0
		case $image in *:*) ;; *) image_missing "$1" ;; esac
		why=$(sed -n 's/^Error: //p' "$work/error" | head -n 1)
		case $why in
		*'not found'*|*"doesn't exist"*) missing image "$image: $why ($image_remedy)" ;;
		esac
		warn image "cannot tell whether $1 was made from $image: ${why:-no answer in time}"
		return
	}
	base=$(own_key volatile.base_image)
	[ "$base" = "$sum" ] || { [ -z "$base" ] && [ -z "$opt_image" ]; } ||
		warn image "$1 was made from another image than $image, and keeps it (else, without what is in there: stremio-incus stop $1, incus delete $1, then stremio-incus launch $1 --image=$image)"
}

image_missing() {
	if [ -n "$opt_image" ] || [ "${desktop:-0}" = 1 ] || [ ! -r "$lib/image-cmd.sh" ]; then
		missing image "this Incus has no image $image ($image_remedy)"
	fi
	say "image: this Incus has no image $image: making one that plays a test clip (your own: stremio-incus image --help)"
	if [ "$dry_run" = 1 ]; then
		run image sh "$lib/image-cmd.sh" build
		return
	fi
	# It takes a minute or two, and concerns no instance.
	lock_drop
	sh "$lib/image-cmd.sh" build || exit
	lock_take
	instance_read "$1" || :
}

launch_instance() {
	[ "$instance_state" = absent ] || return 0
	say "$1: making it from $image"
	run "$1" incus init "$image" "$1" --no-profiles --profile "$profile" \
		--config "user.stremio-shim.image=$image"
	[ "$dry_run" = 1 ] || instance_read "$1"
}

is_ready() {
	instance_read "$1" || fail "$1" 'it is gone'
	[ "$instance_state" = Ready ] || [ "$instance_state" = Stopped ]
}

# Whether anybody will say Ready: the shim, if it is PID 1 and can reach Incus, and nobody has told
# it not to. Its command line is stronger than the args file, and that than the environment.
says_ready() {
	[ "$(instance_key security.guestapi)" != false ] || return 1
	words=$(shim_words "$(instance_key raw.lxc)") || return 1
	ready=$(printf '%s\n' "$words" | ready_word)
	ready=${ready:-$(pull_text "$1" /etc/stremio-shim.args | ready_word)}
	[ "${ready:-$(instance_key environment.STREMIO_READY)}" != no ]
}

# The last --ready among the shim's words, one a line.
ready_word() {
	awk '$0 == "--" { exit } $0 == "--ready" { word = "yes" } sub(/^--ready=/, "") { word = $0 }
		END { print word }'
}

# launch_settled NAME: nobody will tell, so that what has not ended within a second is taken for
# started. A command that cannot be executed ends in milliseconds.
launch_settled() {
	sleep 1
	instance_read "$1" || fail "$1" 'it is gone'
	[ "$instance_state" = Stopped ] || return 0
	launch_ended "$1"
}

launch_ended() {
	launch_why "$1"
	fail "$1" "it ended at once; what it said is above (stremio-incus doctor $1)"
}

launch_wait() {
	if [ "$dry_run" = 0 ] && ! says_ready "$1"; then
		launch_settled "$1"
		return
	fi
	say "$1: waiting until the application has been started"
	if [ "$dry_run" = 1 ]; then
		echo "incus query /1.0/instances/$1    # until its status is Ready"
		return 0
	fi
	end=$(($(date +%s) + opt_wait))
	while ! is_ready "$1"; do
		[ "$(date +%s)" -lt $end ] || {
			launch_why "$1"
			fail "$1" "not ready after $opt_wait s (stremio-incus doctor $1; more time with --wait=SECONDS)"
		}
		sleep 0.1
	done
	[ "$instance_state" = Ready ] || launch_ended "$1"
}

shim=/opt/stremio-shim/stremio-shim

# shim_asked NAME OPTION FILE: what the shim in there answers. Whoever is root in there can answer in its
# place: with so much, for so long, and no control characters.
shim_asked() {
	rc=0
	(
		# 4 MiB, of its errors, too.
		ulimit -f 8192
		timeout -k 5 $((opt_wait + 5)) incus exec "$1" -- "$shim" "$2" \
			< /dev/null > "$work/asked" 2> "$work/asked-error"
	) 2> /dev/null || rc=$?
	printable < "$work/asked" > "$3"
	printable < "$work/asked-error" | cut -c1-300 > "$work/error"
	case $rc in
	124|137) echo 'no answer in time' > "$work/error" ;;
	esac
	[ -s "$work/error" ] || echo "it ended with status $rc and said nothing of it" > "$work/error"
	return $rc
}

# self_test NAME: shows it, and keeps what came of it for `status`. 0, 69, or 1 for whatever else came
# of the question.
self_test() {
	if [ "$dry_run" = 1 ]; then
		run self-test incus exec "$1" -- "$shim" --self-test
		return 0
	fi
	clear_line
	rc=0
	shim_asked "$1" --self-test "$work/self-test" || rc=$?
	[ "$quiet" = 1 ] || cat "$work/self-test"
	: > "$work/failed"
	case $rc in
	0) result=good why='' ;;
	69)
		result=problems why="a required device is not good (stremio-incus doctor $1)"
		[ "$quiet" = 1 ] || why=''
		failed_findings < "$work/self-test" > "$work/failed" ;;
	*)
		result="no answer ($rc)" why="$(tail -n 1 "$work/error") (stremio-incus logs $1)"
		rc=1 ;;
	esac
	[ -z "$why" ] || {
		warn self-test "$why"
		cat "$work/failed" >&2
		[ "$desktop" = 0 ] || desktop_tell "self-test: $why$(sed 's/^  */; /' "$work/failed" | tr -d '\n')"
	}
	run self-test incus config set "$1" "user.stremio-shim.self-test=$(date '+%F %R') $result"
	return $rc
}

# Of the self-test's table what failed, with what is to be done, which stands below it.
failed_findings() {
	awk '/^[a-z]/ { hit = /^fail / } hit { print "  " $0 }' | head -n 20
}

verb_launch() {
	opt_display='' opt_trust='' opt_sound='' opt_wayland=''
	opt_image='' opt_network='' opt_wait=60 opt_test=1 name=
	for word in "$@"; do
		case $word in
		--image=?*) opt_image=${word#*=} ;;
		--network=?*) opt_network=${word#*=} ;;
		--wait=*[!0-9]*|--wait=0?*|--wait=) usage_error "$word: not a number of seconds" ;;
		--wait=*) opt_wait=${word#*=} ;;
		--no-self-test) opt_test=0 ;;
		*) attach_option "$word" || only_name "$word" ;;
		esac
	done
	attach_check
	case $opt_image in -*) usage_error "--image=$opt_image: no image is called so" ;; esac
	incus_ready
	lock_take
	name=${name:-$default_name}
	# Before anything is made: whoever has no display is told so, and nothing is left.
	! instance_read "$name" || attachable "$name"
	display_chosen
	case $opt_display:${opt_trust:-$(own_key user.stremio-shim.x11)} in
	none:*|*:xwayland*) ;;
	*) x11_find > "$work/why" || missing x11 "$(cat "$work/why")" ;;
	esac
	launch_image "$name"
	profile_apply
	launch_instance "$name"
	case $instance_state in
	Running|Ready) was_running=1 ;;
	*) was_running=0 ;;
	esac
	before=$(own_key environment.DISPLAY)
	if [ $was_running = 0 ]; then
		network_attach "$name" "$opt_network"
	elif [ -n "$opt_network" ]; then
		warn network "$name runs, and its network stays as it is (stremio-incus stop $name, then launch it so)"
	fi
	say "$name: attaching this session"
	attach_all "$name"
	if [ $was_running = 0 ]; then
		say "$name: starting"
		if [ "$dry_run" = 1 ]; then
			echo "incus start $name"
		else
			incus start "$name" < /dev/null > "$work/output" 2> "$work/error" || {
				launch_why "$name"
				run_failed "$name"
			}
		fi
	elif [ "$opt_display" != none ] && [ "$before" != "$x11_display" ]; then
		warn "$name" "it runs on display ${before:-none} and learns of $x11_display when it starts again (incus restart $name)"
	fi
	# What is being waited for may never come, and is to be stopped then.
	lock_drop
	launch_wait "$name"
	[ -z "${network_note:-}" ] || warn network "$network_note"
	[ $opt_test = 0 ] || self_test "$name" || launch_rc=$?
	tell "$name: ${x11_display:+on $x11_display, }stop it with: stremio-incus stop $name"
	exit "${launch_rc:-0}"
}

verb_stop() {
	opt_timeout=30 name=
	for word in "$@"; do
		case $word in
		--timeout=*[!0-9]*|--timeout=) usage_error "$word: not a number of seconds" ;;
		--timeout=*) opt_timeout=${word#*=} ;;
		*) only_name "$word" ;;
		esac
	done
	incus_ready
	lock_take
	name=${name:-$default_name}
	instance_require "$name"
	case $instance_state in
	Stopped) tell "$name: is stopped already" ;;
	Frozen) missing "$name" "it is frozen and would not hear of it (incus resume $name; or at once: incus stop --force $name)" ;;
	*)
		say "$name: stopping"
		run "$name" incus stop "$name" --timeout "$opt_timeout"
		tell "$name: stopped" ;;
	esac
	nested_stop "$name"
}
