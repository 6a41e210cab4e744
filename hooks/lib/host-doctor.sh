#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# doctor: from the host to the instance, a line for each thing looked at, and below what is wrong
# the command that cures it. For sourcing by stremio-incus.

doctor_bad=0

# The line of a thing looked at: STATUS ID TEXT [CURE].
found() {
	printf '%-4s  %-16s  %s\n' "$1" "$2" "$3"
	[ -z "${4:-}" ] || printf '      %-16s  -> %s\n' '' "$4"
	[ "$1" != fail ] || doctor_bad=1
}

# cure_beside CURE OTHER: one more line, unless the first names the same command of this program.
cure_beside() {
	case $1 in
	*"${2%%[,:;]*}"*) ;;
	*) printf '      %-16s  -> %s\n' '' "$2" ;;
	esac
}

# found_why ID 'TEXT (CURE)'
found_why() {
	cure=${2##*" ("}
	found fail "$1" "${2%" ("*}" "${cure%)}"
}

doctor_incus() {
	incus_newer=0
	incus_problem > "$work/problem"
	if [ -s "$work/problem" ]; then
		read -r problem < "$work/problem"
		found_why "${problem%%: *}" "${problem#*: }"
		return 1
	fi
	if [ "$incus_newer" = 1 ]; then
		found warn incus.version "$incus_version is newer than what this was tried with (6.0)"
	else
		found ok incus.version "$incus_version"
	fi
	found ok incus.group "this user may use $(incus_socket)"
	project_find
}

doctor_pool() {
	profile_pool
	[ -n "$pool" ] || {
		found fail incus.storage 'no storage pool' 'incus admin init --minimal'
		return
	}
	space=$(incus query "/1.0/storage-pools/$pool/resources" < /dev/null 2> /dev/null | tr -d '\n\t ' |
		sed -n 's/.*"space":{\(.*\)}.*/\1/p' | awk -F'[:,}]' '{
			for (i = 1; i < NF; i++) { if ($i ~ /total/) t = $(i + 1); if ($i ~ /used/) u = $(i + 1) }
			printf "%d", (t - u) / 1048576 }')
	if [ "${space:-0}" -gt 0 ] && [ "$space" -lt 1024 ]; then
		found warn incus.storage "pool $pool has $space MiB left" 'incus image list; incus image delete; incus list; incus delete'
	else
		found ok incus.storage "pool $pool${space:+, $space MiB free}"
	fi
}

doctor_profile() {
	[ -r "$profile_file" ] || {
		found fail profile "$profile_file is not there" 'make install'
		return
	}
	why=$(profile_problem)
	[ -z "$why" ] || found_why profile.guest "$why"
	profile_compare
	case $profile_is in
	absent)
		found fail profile "Incus has no profile $profile" "stremio-incus launch ${name:-$default_name}"
		return ;;
	shipped) found ok profile "$profile is as in $profile_file" ;;
	older) found warn profile "$profile is not as in $profile_file" "stremio-incus launch ${name:-$default_name} brings it up to date" ;;
	changed) found warn profile "$profile was changed, or made otherwise than in $profile_file, and launch leaves it so" "$(profile_remedy)" ;;
	esac
	hook=$(sed -n 's,^.*[= ]\(/[^ ;]*/stremio-hook\).*,\1,p' "$profile_file" | head -n 1)
	[ -z "$hook" ] || if [ ! -x "$hook" ]; then
		found fail hook "$hook is not there: no GPU and no sound card is given to an instance" 'make install, on each member of a cluster'
	elif "$hook" --version > "$work/hook" 2>&1 < /dev/null; then
		found ok hook "$hook"
	else
		found fail hook "$hook does not run, and no instance starts: $(tail -n 1 "$work/hook")" "sudo apt-get install libudev1, then make install; $hook --version"
	fi
}

doctor_host_devices() {
	set -- /dev/dri/renderD*
	if [ -c "$1" ]; then
		found ok host.gpu "$*"
	else
		found warn host.gpu 'no /dev/dri/renderD*: pictures are drawn by the CPU' 'lspci -k | grep -A3 VGA: the driver in use'
	fi
	set -- /dev/snd/pcm*p
	opt_sound=''
	sound_find auto
	[ -n "$sound_kind" ] || sound_find pipewire 2> /dev/null
	if [ -n "$sound_kind" ]; then
		found ok host.sound "this session's $sound_socket"
	elif [ -c "$1" ]; then
		found ok host.sound "$*"
	else
		found warn host.sound 'no sound card and no PulseAudio or PipeWire socket' "aplay -l; systemctl --user status pipewire-pulse"
	fi
}

# Over ssh there is none, which is as it should be for an instance that is to have none.
doctor_display() {
	opt_display=''
	if x11_find > "$work/why"; then
		found ok host.x11 "$x11_display answers with the cookie of $x11_authority"
		access=$(DISPLAY=$x11_display XAUTHORITY=$x11_authority xhost 2> /dev/null | tr '\n' ' ')
		case $access in
		*'access control disabled'*) found fail host.xhost 'every program that reaches the X server may use it, instances too' 'xhost -' ;;
		*LOCAL:*) found fail host.xhost 'every user of this machine may use the X server, instances too' 'xhost -local:' ;;
		esac
	elif [ "$usable" = 1 ] && [ -n "$name" ] && instance_read "$name" && [ "$(own_key user.stremio-shim.x11)" = none ]; then
		found ok host.x11 "none here, and $name is to have none"
	else
		found_why host.x11 "$(cat "$work/why")"
	fi
}

doctor_network() {
	if network_find auto; then
		found ok host.network "$network_name $network_cidr"
		[ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] ||
			found fail host.network 'this host forwards nothing' 'sudo sysctl -w net.ipv4.ip_forward=1'
	else
		found warn host.network 'no managed bridge with NAT: instances have no network' 'incus network create incusbr0'
	fi
}

# The findings of the self-test, from its JSON: a line STATUS TAB ID TAB SUMMARY TAB HINT each.
self_test_findings() {
	sed 's/{"id":/\n{"id":/g' | awk '
	function string(key,    v) {
		if (!match($0, "\"" key "\":\"([^\"\\\\]|\\\\.)*\""))
			return ""
		v = substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 5)
		gsub(/\\"/, "\"", v)
		gsub(/\t/, " ", v)
		return v
	}
	/^\{"id":/ { printf "%s\t%s\t%s\t%s\n", string("status"), string("id"), string("summary"), string("hint") }'
}

doctor_self_test() {
	rc=0
	shim_asked "$1" --self-test=json "$work/json" || rc=$?
	case $rc in
	0|69) ;;
	*)
		found fail self-test "$(tail -n 1 "$work/error")" "stremio-incus logs $1"
		return ;;
	esac
	self_test_findings < "$work/json" > "$work/findings"
	while IFS="$(printf '\t')" read -r status id summary hint; do
		case $status in
		warn|fail)
			# The one knows the cause, the other what this program can do about it.
			found "$status" "$id" "$summary" "$hint"
			cure_beside "$hint" "$(cure_of "$id" "$1")" ;;
		*) found "$status" "$id" "$summary" ;;
		esac
	done < "$work/findings"
}

doctor_instance() {
	instance_read "$1" || {
		found fail "$1" 'no such instance' "stremio-incus launch $1"
		return
	}
	case $instance_state in
	Frozen) found fail "$1" 'it is frozen' "incus resume $1" ;;
	Stopped) found warn "$1" 'it is stopped' "stremio-incus launch $1" ;;
	*) found ok "$1" "$instance_state" ;;
	esac
	grep -q "^		\"$profile" "$work/instance" ||
		found fail instance.profile "it does not use the profile $profile" "incus profile add $1 $profile"
	case $(own_key user.stremio-shim.x11) in
	'') found warn instance.x11 'no display is attached' "stremio-incus attach $1" ;;
	none) found ok instance.x11 'it is to have no display (--display=none)' ;;
	*) found ok instance.x11 "attached: $(own_key user.stremio-shim.x11)" ;;
	esac
	if network_made && ! network_fits "$1"; then
		found warn instance.network "eth0 $(device_key eth0 ipv4.address): ${network_name:-no bridge} has not that address, or another instance has it" \
			"stremio-incus stop $1; stremio-incus launch $1 --network=auto"
	elif own_device eth0; then
		found ok instance.network "eth0 $(device_key eth0 ipv4.address)"
	else
		found warn instance.network 'it has no network device of its own' "stremio-incus stop $1; stremio-incus launch $1 --network=auto"
	fi
	case $instance_state in
	Running|Ready) doctor_self_test "$1" ;;
	esac
	[ "$instance_state" = Frozen ] || console_log "$1" | console_cures "$1" > "$work/causes"
	while IFS="$(printf '\t')" read -r what cure; do
		found fail console "$what" "$cure"
	done < "$work/causes"
	lxc_log "$1" | grep -E 'ERROR|ended on' | tail -n 3 > "$work/lxc"
	while read -r line; do
		found warn lxc.log "$line"
	done < "$work/lxc"
}

# It changes nothing; these are the questions it asks.
doctor_reads() {
	echo 'incus query /1.0'
	echo 'incus storage list -f csv -c n'
	echo "incus profile show $profile"
	echo "incus query /1.0/images/aliases/$default_image"
	echo 'incus network list -f csv'
	[ -z "$name" ] || {
		echo "incus query /1.0/instances/$name"
		run doctor incus exec "$name" -- "$shim" --self-test=json
		run doctor incus console "$name" --show-log
		run doctor incus info "$name" --show-log
	}
}

verb_doctor() {
	name='' opt_wait=60
	for word in "$@"; do
		only_name "$word"
	done
	if [ "$dry_run" = 1 ]; then
		doctor_reads
		return 0
	fi
	: > "$work/causes"
	usable=0
	if doctor_incus; then
		usable=1
		doctor_pool
		doctor_profile
		if incus query "/1.0/images/aliases/$default_image?project=$project_arg" < /dev/null > /dev/null 2>&1; then
			found ok image "$default_image"
		else
			found warn image "no image $default_image" "$image_remedy"
		fi
		doctor_network
		# Where none is named, the one that launch would have made, if it has.
		[ -n "$name" ] || ! instance_read "$default_name" || name=$default_name
	fi
	doctor_display
	doctor_host_devices
	[ -z "$name" ] || [ $usable = 0 ] || doctor_instance "$name"
	[ $doctor_bad = 0 ]
}
