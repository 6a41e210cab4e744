#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Run tools that read what a stranger made: in a user namespace whose ids are nobody's on this
# machine, without network, with only the capabilities that unpacking an archive takes. For
# sourcing.
#
#   sandbox_open DIR         make the namespaces; DIR, private, becomes the tools' own
#   sandbox COMMAND...       run it there as the namespace's root, in DIR
#   sandbox_give FILE...     make files that this script wrote the namespace's root's
#   sandbox_close DIR        end them; DIR itself is removed
#
# As root the ids are taken from a range that no account, container manager or systemd uses
# (systemd calls 1879048192 and up unused). Anybody else has newuidmap(1) map the range that
# /etc/subuid gives him.

sandbox_base=1879048192

sandbox_open() {
	sandbox_dir=$1
	mkfifo "$1/hold" || return 1
	if [ "$(id -u)" = 0 ]; then
		set --
	else
		set -- --map-root-user --map-users=auto --map-groups=auto
	fi
	# shellcheck disable=SC2016
	# It holds the namespaces open until its standard input ends, and with it this script.
	unshare --user --net --ipc --uts "$@" sh -c 'echo > "$1/up"; read -r _' hold "$sandbox_dir" \
		< "$sandbox_dir/hold" 2> "$sandbox_dir/why" &
	sandbox_pid=$!
	exec 8> "$sandbox_dir/hold"
	i=0
	until [ -e "$sandbox_dir/up" ] || [ $i -ge 100 ]; do
		kill -0 "$sandbox_pid" 2> /dev/null || break
		sleep 0.05
		i=$((i + 1))
	done
	[ -e "$sandbox_dir/up" ] || {
		echo "image: sandbox: $(grep . "$sandbox_dir/why" || echo 'no user namespace here') (run as root, or install uidmap and list yourself in /etc/subuid and /etc/subgid)" >&2
		return 1
	}
	if [ "$(id -u)" = 0 ]; then
		echo "0 $sandbox_base 65536" > "/proc/$sandbox_pid/uid_map" &&
			echo "0 $sandbox_base 65536" > "/proc/$sandbox_pid/gid_map" &&
			chown -R -h "$sandbox_base:$sandbox_base" "$sandbox_dir"
	fi
}

# No device nodes (mknod): umoci makes empty files of them. No mounts (sys_admin). A file of more than 16 GiB is no part of an
# application, and nothing takes an hour.
# shellcheck disable=SC2016
sandbox() {
	nsenter --user --net --ipc --uts --target "$sandbox_pid" \
		prlimit --fsize=17179869184 --core=0 \
		setpriv --no-new-privs \
		--bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+setfcap \
		timeout 3600 env -i "PATH=$PATH" "HOME=$sandbox_dir" "TMPDIR=$sandbox_dir" LC_ALL=C.UTF-8 \
		sh -c 'cd "$1" && shift && exec "$@"' sandbox "$sandbox_dir" "$@" 8>&-
}

sandbox_give() {
	[ "$(id -u)" != 0 ] || chown -h "$sandbox_base:$sandbox_base" "$@"
}

sandbox_close() {
	# Not root: files of the other ids of the range can be removed from in there only.
	if [ "$(id -u)" != 0 ] && [ -e "$1/up" ]; then
		sandbox find "$1" -mindepth 1 -maxdepth 1 ! -name hold -exec rm -rf {} + 2> /dev/null
	fi
	exec 8>&-
	[ -z "${sandbox_pid:-}" ] || wait "$sandbox_pid" 2> /dev/null || :
	rm -rf "$1"
}
