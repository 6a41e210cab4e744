#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Run tools that read what a stranger made, where they can reach nothing: in namespaces of their
# own, as ids that are nobody's on this machine, without network, with only the capabilities that
# unpacking an archive takes. They see programs, libraries and /etc of the host, read-only by
# their owner, and one directory. For sourcing.
#
#   sandbox_open DIR         make the namespaces; DIR, private, becomes the tools' own
#   sandbox COMMAND...       run it there as the namespace's root, in DIR
#   sandbox_give FILE...     make files that this script wrote the namespace's root's
#   sandbox_close DIR        end them with all that runs there; DIR itself is removed
#
# As root the ids are taken from a range that no account, container manager or systemd uses
# (systemd calls 1879048192 and up unused). Anybody else has newuidmap(1) map the range that
# /etc/subuid gives him.

sandbox_base=1879048192
# What fills the disk is ended when this much is left, in MiB: others live there, too.
sandbox_reserve=256

# The root file system of the tools. Nothing in it but /work belongs to an id of theirs.
# shellcheck disable=SC2016
sandbox_root='
	set -e
	# pivot_root is in there, which is in the PATH of root only.
	PATH=$PATH:/usr/sbin:/sbin
	mount -t tmpfs -o mode=755,size=1m none "$1/root"
	cd "$1/root"
	for d in usr bin sbin lib lib32 lib64 libx32 etc; do
		if [ -L "/$d" ]; then
			ln -s "$(readlink "/$d")" "$d"
		elif [ -d "/$d" ]; then
			mkdir "$d"
			mount --rbind "/$d" "$d"
		fi
	done
	mkdir dev proc work
	# Where something hides parts of /proc a new one is refused.
	mount -t proc proc proc 2> /dev/null || mount --rbind /proc proc
	: > dev/null
	mount --bind /dev/null dev/null
	mount --bind "$1" work
	mount -o remount,ro none .
	pivot_root . .
	umount -l .'

sandbox_open() {
	sandbox_dir=$1
	mkfifo "$1/hold" && mkdir "$1/root" || return 1
	if [ "$(id -u)" = 0 ]; then
		set --
	else
		set -- --map-root-user --map-users=auto --map-groups=auto
	fi
	# The first process there holds the namespaces until its standard input ends, and with it
	# this script; its end is the end of all others.
	# shellcheck disable=SC2016
	unshare --user --mount --net --ipc --uts --pid --fork "$@" \
		sh -c 'echo > "$1/up"; read -r _' hold "$sandbox_dir" \
		< "$sandbox_dir/hold" 2> "$sandbox_dir/why" &
	sandbox_pid=$!
	exec 8> "$sandbox_dir/hold"
	i=0
	until [ -e "$sandbox_dir/up" ] || [ $i -ge 200 ]; do
		kill -0 "$sandbox_pid" 2> /dev/null || break
		sleep 0.05
		i=$((i + 1))
	done
	[ -e "$sandbox_dir/up" ] || {
		echo "image: sandbox: $(grep . "$sandbox_dir/why" || echo 'no user namespace here') (run as root, or install uidmap and list yourself in /etc/subuid and /etc/subgid)" >&2
		return 1
	}
	# No end of line is there, so that read says it found the end of the file.
	read -r sandbox_first _ < "/proc/$sandbox_pid/task/$sandbox_pid/children" ||
		[ -n "$sandbox_first" ] || return 1
	if [ "$(id -u)" = 0 ]; then
		echo "0 $sandbox_base 65536" > "/proc/$sandbox_pid/uid_map" &&
			echo "0 $sandbox_base 65536" > "/proc/$sandbox_pid/gid_map" &&
			chown -R -h "$sandbox_base:$sandbox_base" "$sandbox_dir" || return 1
	fi
	sandbox_enter sh -c "$sandbox_root" root "$sandbox_dir" 2> "$sandbox_dir/why" 8>&- || {
		echo "image: sandbox: cannot make its root: $(tail -n 1 "$sandbox_dir/why")" >&2
		return 1
	}
	# shellcheck disable=SC2016
	sandbox sh -c 'while sleep 1; do
			set -- "$1" $(stat -f -c "%a %S %c %d" .)
			if [ $(($2 / 1024 * $3 / 1024)) -lt "$1" ] || { [ "$4" != 0 ] && [ "$5" -lt 4096 ]; }; then
				: > full
				kill -KILL -1
			fi
		done' watch "$sandbox_reserve" > /dev/null 2>&1 < /dev/null 8>&- &
}

sandbox_enter() {
	nsenter --user --mount --net --ipc --uts --pid --target "$sandbox_first" "$@"
}

# No device nodes (mknod): umoci makes empty files of them. No mounts (sys_admin). A file of more
# than 16 GiB or 4 GiB of memory are no part of an application, and nothing takes an hour.
# In the background, so that a signal for this script takes effect at once.
sandbox() {
	# shellcheck disable=SC2016
	{
		sandbox_enter prlimit --fsize=17179869184 --data=4294967296 --core=0 \
			setpriv --no-new-privs \
			--bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+setfcap \
			timeout 3600 env -i "PATH=$PATH" HOME=/work TMPDIR=/work LC_ALL=C.UTF-8 \
			sh -c 'cd /work && exec "$@"' sandbox "$@" <&7 7<&- 8>&- &
	} 7<&0
	wait $!
}

sandbox_give() {
	[ "$(id -u)" != 0 ] || chown -h "$sandbox_base:$sandbox_base" "$@"
}

sandbox_close() {
	# Not root: files of the other ids of the range can be removed from in there only.
	if [ "$(id -u)" != 0 ] && [ -n "${sandbox_first:-}" ]; then
		sandbox find . -mindepth 1 -maxdepth 1 ! -name hold -exec rm -rf {} + 2> /dev/null
	fi
	exec 8>&-
	[ -z "${sandbox_first:-}" ] || kill -KILL "$sandbox_first" 2> /dev/null || :
	[ -z "${sandbox_pid:-}" ] || wait "$sandbox_pid" 2> /dev/null || :
	rm -rf "$1"
}
