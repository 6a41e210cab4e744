#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# launch and stop. For sourcing by stremio-incus.

# When an instance comes to nothing: what PID 1 and Incus say of it.
launch_why() {
	console_log "$1" | tail -n 5 | sed 's/^/  console | /' >&2
	incus info "$1" --show-log < /dev/null 2> /dev/null | printable |
		sed -n 's/^lxc .* ERROR  *\(.*\)$/  lxc.log | \1/p; s/.*\(Child <[0-9]*> ended on .*\)/  lxc.log | \1/p' |
		tail -n 5 >&2
}

launch_instance() {
	[ "$instance_state" = absent ] || return 0
	image=${opt_image:-$default_image}
	case $image in
	*:*) ;;
	*) incus query "/1.0/images/aliases/$image?project=$project" < /dev/null > /dev/null 2>&1 ||
		incus query "/1.0/images/$image?project=$project" < /dev/null > /dev/null 2>&1 ||
		missing image "this Incus has no image $image ($image_remedy)" ;;
	esac
	say "$1: making it from $image"
	run "$1" incus init "$image" "$1" --no-profiles --profile "$profile"
	[ "$dry_run" = 1 ] || instance_read "$1"
}

is_ready() {
	instance_read "$1" || fail "$1" 'it is gone'
	[ "$instance_state" = Ready ] || [ "$instance_state" = Stopped ]
}

launch_wait() {
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
	[ "$instance_state" = Ready ] || {
		launch_why "$1"
		fail "$1" "it ended at once; what it said is above (stremio-incus doctor $1)"
	}
}

shim=/opt/stremio-shim/stremio-shim

# self_test NAME: shows it, and keeps what came of it for `status`. Its status.
self_test() {
	if [ "$dry_run" = 1 ]; then
		run self-test incus exec "$1" -- "$shim" --self-test
		return 0
	fi
	clear_line
	rc=0
	incus exec "$1" -- "$shim" --self-test < /dev/null > "$work/self-test" 2> "$work/error" || rc=$?
	case $rc in
	0) result=good ;;
	69) result=problems ;;
	*) result="no answer ($rc)" ;;
	esac
	[ "$quiet" = 1 ] || cat "$work/self-test"
	case $result in
	no*) warn self-test "$(tail -n 1 "$work/error") (stremio-incus logs $1)" ;;
	esac
	run self-test incus config set "$1" "user.stremio-shim.self-test=$(date '+%F %R') $result"
	return $rc
}

verb_launch() {
	opt_display='' opt_trust='' opt_sound='' opt_wayland=''
	opt_image='' opt_network=auto opt_wait=60 opt_test=1 name=
	for word in "$@"; do
		case $word in
		--image=?*) opt_image=${word#*=} ;;
		--network=?*) opt_network=${word#*=} ;;
		--wait=*[!0-9]*|--wait=) usage_error "$word: not a number of seconds" ;;
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
	case $opt_display:${opt_trust:-$(own_key user.stremio-shim.x11)} in
	none:*|*:xwayland*) ;;
	*) x11_find > "$work/why" || missing x11 "$(cat "$work/why")" ;;
	esac
	profile_apply
	launch_instance "$name"
	case $instance_state in
	Running|Ready) was_running=1 ;;
	*) was_running=0 ;;
	esac
	before=$(own_key environment.DISPLAY)
	[ $was_running = 1 ] || network_attach "$name" "$opt_network"
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
