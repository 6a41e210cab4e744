#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Have an Incus to talk to: the machine's own, or a private daemon that leaves no trace.
#
#   incus_use DIR        the machine's Incus when it answers (or can be started as a systemd
#                        service), else a private one in DIR; says which, sets INCUS_PRIVATE
#   incusd_start DIR     bring up a private daemon with its state below DIR
#   incusd_restart DIR   the daemon alone; its instances live on
#   incusd_stop DIR      stop it and what runs in it; DIR itself is the caller's
#   incusd_enter DIR COMMAND...   run a command where it runs
#
# INCUSD_GROUP is the group that may use a private one (root).
#
# A private daemon lives in mount, network and process id namespaces of its own: nothing it
# does leaves the machine (at start it asks for an image server), its mounts and lxcfs are
# seen by nobody else, and the end of its first process is the end of all of them, however
# this script ends. The client talks to it over DIR/unix.socket.

incusd_program() {
	for p in /usr/libexec/incus/incusd /opt/incus/bin/incusd; do
		[ ! -x "$p" ] || { echo "$p"; return 0; }
	done
	command -v incusd || {
		echo 'incus: no incusd on this machine (hooks/lib/packages.sh incus installs it)' >&2
		return 1
	}
}

# The client must find this daemon and nothing of the user's own settings.
incusd_env() {
	INCUS_DIR=$1
	INCUS_CONF=$1/client
	export INCUS_DIR INCUS_CONF
	unset INCUS_SOCKET INCUS_PROJECT INCUS_REMOTE
}

# Process id of the running private daemon of DIR, or nothing. The number alone may have been
# given to another process since: its command line must name DIR.
incusd_pid() {
	[ -s "$1/pid" ] || return 1
	read -r p < "$1/pid" || return 1
	tr '\0' '\n' 2> /dev/null < "/proc/$p/cmdline" | grep -qxF -- "$1" || return 1
	echo "$p"
}

incusd_start() {
	mkdir -p "$1" || return 1
	d=$(cd "$1" && pwd) || return 1
	# sun_path is 108 bytes, and the client takes this way to the socket.
	[ ${#d} -le 90 ] || {
		echo "incus: $d: too long for the sockets below it (use a shorter directory)" >&2
		return 1
	}
	[ "$(id -u)" = 0 ] || {
		echo 'incus: a private daemon needs root (run as root, or start the machine'"'"'s Incus)' >&2
		return 1
	}
	unshare --user true 2> /dev/null || {
		echo 'incus: the kernel refuses a user namespace, and no container starts without (is this a chroot? enter it with pivot_root or as a machine; else see user.max_user_namespaces)' >&2
		return 1
	}
	daemon=$(incusd_program) || return 1
	incusd_env "$d"
	if incusd_pid "$d" > /dev/null && incusd_answers; then
		return 0
	fi
	chmod 711 "$d"
	# A client without any settings greets its user at length.
	mkdir -p "$INCUS_CONF"
	[ -e "$INCUS_CONF/config.yml" ] || echo '{}' > "$INCUS_CONF/config.yml"
	: > "$d/incusd.log"
	# shellcheck disable=SC2016
	setsid unshare --mount --net --pid --fork --kill-child --mount-proc --propagation slave \
		sh -c '
		ip link set lo up
		if ! mountpoint -q /var/lib/lxcfs && command -v lxcfs >/dev/null; then
			mkdir -p /var/lib/lxcfs /run/lxcfs
			lxcfs -f -p "$1/lxcfs.pid" /var/lib/lxcfs &
			i=0
			while ! mountpoint -q /var/lib/lxcfs && [ $i -lt 50 ]; do
				sleep 0.1
				i=$((i + 1))
			done
		fi
		# Containers walk to their root file system as another user: the way there must
		# be open, and the home of a checkout (/root) seldom is.
		mkdir -p /var/lib/incus
		mount --bind "$1" /var/lib/incus || exit 1
		# What stremio-hook keeps there is by instance name, and another daemon may have
		# instances of the same names.
		mkdir -p -m 700 /run/stremio-shim
		mount -t tmpfs -o mode=700 stremio-shim /run/stremio-shim || exit 1
		# /sys shows the network devices of whoever mounted it, and Incus looks there for
		# those that it makes. Whole and fresh: in a user namespace the kernel allows a
		# mount of it only where nothing of it is hidden.
		mkdir -p "$1/sys"
		mount -t sysfs -o nosuid,nodev,noexec sysfs "$1/sys" &&
			mount --rbind /sys/fs/cgroup "$1/sys/fs/cgroup" &&
			mount --move "$1/sys" /sys || exit 1
		export INCUS_DIR=/var/lib/incus
		# Not exec: as process 1 of its namespace it would have to reap for others.
		while :; do
			"$2" --group "$3"
			rm "$1/again" 2> /dev/null || exit
		done
		' incusd "$d" "$daemon" "${INCUSD_GROUP:-root}" >> "$d/incusd.log" 2>&1 < /dev/null &
	echo $! > "$d/pid"
	if ! "$daemon" waitready --timeout=60 >> "$d/incusd.log" 2>&1; then
		echo "incus: the private daemon did not come up: $(incusd_why "$d") (see $d/incusd.log)" >&2
		incusd_stop "$d"
		return 1
	fi
	# Written out: "admin init --minimal" wants a bridge and fails without a free subnet.
	if [ -z "$(incus storage list -f csv)" ]; then
		incusd_preseed || { incusd_stop "$d"; return 1; }
	fi
}

# Process id of the daemon itself, below the shell that is the first of its namespace.
incusd_daemon_pid() {
	first=$(incusd_pid "$1") || return 1
	# No end of line is there, so that read says it found the end of the file.
	read -r child _ < "/proc/$first/task/$first/children" || [ -n "$child" ] || return 1
	# shellcheck disable=SC2013 # words of one line
	for p in $(cat "/proc/$child/task/$child/children"); do
		[ "$(readlink "/proc/$p/exe")" != "$(readlink -f "$(incusd_program)")" ] || { echo "$p"; return 0; }
	done
	return 1
}

incusd_restart() {
	p=$(incusd_daemon_pid "$1") || return 1
	touch "$1/again"
	kill -TERM "$p"
	i=0
	while kill -0 "$p" 2> /dev/null && [ $i -lt 300 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	"$(incusd_program)" waitready --timeout=60
}

incusd_why() {
	grep -E 'level=(error|fatal)|^Error' "$1/incusd.log" | tail -n 1 |
		sed 's/.*msg=//' | grep . || tail -n 1 "$1/incusd.log"
}

incusd_preseed() {
	incus admin init --preseed <<-END
	storage_pools:
	- name: default
	  driver: dir
	profiles:
	- name: default
	  devices:
	    root: {type: disk, path: /, pool: default}
	END
}

incusd_answers() {
	timeout 10 incus query /1.0 > /dev/null 2>&1
}

incusd_stop() {
	d=$(cd "$1" 2>/dev/null && pwd) || return 0
	p=$(incusd_pid "$d") || { rm -f "$d/pid"; return 0; }
	# Instances first, in order and with their time; what will not end is ended below.
	(
		incusd_env "$d"
		timeout 30 incus admin shutdown --timeout 10
	) > /dev/null 2>&1 || :
	i=0
	while kill -0 "$p" 2>/dev/null && [ $i -lt 50 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	# --kill-child: its namespace and all that is in it goes with it.
	kill -KILL "$p" 2>/dev/null || :
	wait "$p" 2>/dev/null || :
	rm -f "$d/pid"
	# liblxc leaves this one behind, empty; one in use stays.
	find /sys/fs/cgroup -depth -type d -name lxc.pivot -exec rmdir {} \; 2>/dev/null || :
	# An instance that had to be killed leaves its empty cgroups.
	for c in "$d"/containers/*; do
		[ -e "$c" ] || continue
		find /sys/fs/cgroup -depth -type d -path "*/lxc.*.${c##*/}*" \
			-exec rmdir {} + 2>/dev/null || :
	done
}

# incusd_enter DIR COMMAND...: where the private daemon runs, with its mounts and process numbers.
incusd_enter() {
	read -r first < "$1/pid"
	# No end of line is there, so that read says it found the end of the file.
	read -r child _ < "/proc/$first/task/$first/children" || [ -n "$child" ] || return 1
	shift
	nsenter -t "$child" -m -p "$@"
}

# shellcheck disable=SC2034 # INCUS_PRIVATE is for the caller
incus_use() {
	INCUS_PRIVATE=0
	if command -v incus >/dev/null 2>&1 && incusd_answers; then
		echo "incus: using this machine's Incus $(incus query /1.0 |
			sed -n 's/.*"server_version": *"\([^"]*\)".*/\1/p')"
	elif [ -d /run/systemd/system ] && [ "$(id -u)" = 0 ] &&
	     systemctl start incus.service >/dev/null 2>&1 && incusd_answers; then
		echo "incus: started this machine's Incus"
	elif [ -S "${INCUS_DIR:-/var/lib/incus}/unix.socket" ] && [ "$(id -u)" != 0 ]; then
		echo 'incus: no permission to talk to it (sudo usermod -aG incus-admin USER, then log in anew)' >&2
		return 1
	else
		INCUS_PRIVATE=1
		incusd_start "$1" || return 1
		echo "incus: private daemon in $1"
	fi
	if [ -z "$(incus storage list -f csv 2>/dev/null)" ]; then
		incusd_preseed || return 1
	fi
}
