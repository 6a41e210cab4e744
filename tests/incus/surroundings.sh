#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# What the application finds around itself in a bare container.

# Start NAME with a script as the application that writes what it sees into its home, then
# stays; NAME is running when this returns.
look() {
	instance "$@"
	start "$1"
	wait_home "$1" looked
}

# value FILE KEY: of KEY=VALUE lines or of /proc/PID/status.
value() {
	sed -n "s/^$2[=:][[:space:]]*//p" "$1"
}

test_application_is_confined() {
	look sealed <<-'END'
	#!/bin/sh
	cat /proc/self/status > ~/status
	ls -l /proc/self/fd > ~/fds
	{ umask; pwd; cat /proc/self/oom_score_adj; } > ~/rest
	echo > ~/looked
	exec sleep 1000
	END
	home sealed status > "$RIG/status"
	[ "$(value "$RIG/status" Uid | tr '\t' ' ')" = '1000 1000 1000 1000' ] || die "Uid $(value "$RIG/status" Uid)"
	[ "$(value "$RIG/status" Gid | tr '\t' ' ')" = '1000 1000 1000 1000' ] || die "Gid $(value "$RIG/status" Gid)"
	[ -z "$(value "$RIG/status" Groups)" ] || die "groups $(value "$RIG/status" Groups)"
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		[ "$(value "$RIG/status" $set)" = 0000000000000000 ] || die "$set $(value "$RIG/status" $set)"
	done
	[ "$(value "$RIG/status" NoNewPrivs)" = 1 ] || die 'no_new_privs is off'
	[ "$(value "$RIG/status" Seccomp)" = 2 ] || die 'no filter'
	# Incus's own filter is the first.
	[ "$(value "$RIG/status" Seccomp_filters)" -ge 2 ] || die 'only the filter of Incus'
	[ "$(value "$RIG/status" SigIgn)" = 0000000000000000 ] || die "ignored signals $(value "$RIG/status" SigIgn)"
	[ "$(value "$RIG/status" SigBlk)" = 0000000000000000 ] || die "blocked signals $(value "$RIG/status" SigBlk)"
}

test_pid_1_keeps_only_what_it_needs() {
	look sealed <<-'END'
	#!/bin/sh
	echo > ~/looked
	exec sleep 1000
	END
	incus exec sealed -- cat /proc/1/status > "$RIG/status"
	# KILL (5) and SYS_BOOT (22), the one to stop others' processes, the other to restart.
	[ "$(value "$RIG/status" CapEff)" = 0000000000400020 ] || die "CapEff $(value "$RIG/status" CapEff)"
	[ "$(value "$RIG/status" CapPrm)" = 0000000000400020 ] || die "CapPrm $(value "$RIG/status" CapPrm)"
	[ "$(value "$RIG/status" NoNewPrivs)" = 1 ] || die 'no_new_privs is off'
	[ "$(value "$RIG/status" Threads)" = 1 ] || die 'it has threads'
	# Signal 37 must be seen blocked: Incus chooses by that what it sends to stop.
	value "$RIG/status" SigBlk | grep -q '^......[1-9a-f]' || die "SigBlk $(value "$RIG/status" SigBlk)"
}

test_loopback_is_up_without_nic() {
	look lonely <<-'END'
	#!/bin/sh
	ifconfig lo > ~/lo
	mkdir /tmp/www && echo pong > /tmp/www/ping
	httpd -f -p 127.0.0.1:11470 -h /tmp/www &
	for i in 1 2 3 4 5 6 7 8 9 10; do
		wget -qO ~/answer http://127.0.0.1:11470/ping && break
		sleep 0.1
	done
	ls /sys/class/net > ~/nics
	echo > ~/looked
	exec sleep 1000
	END
	[ "$(home lonely nics)" = lo ] || die "it has a network: $(home lonely nics)"
	home lonely lo | grep -q ' UP ' || die 'lo is down'
	[ "$(home lonely answer)" = pong ] || die 'a server on 127.0.0.1 does not answer'
}

test_dev_shm_is_usable() {
	look shared <<-'END'
	#!/bin/sh
	{ dd if=/dev/zero of=/dev/shm/x bs=1M count=64 && ls -ld /dev/shm && grep ' /dev/shm ' /proc/mounts; } > ~/shm 2>&1
	echo > ~/looked
	exec sleep 1000
	END
	home shared shm > "$RIG/shm"
	grep -q '^drwxrwxrwt' "$RIG/shm" || die "$(tail -n 1 "$RIG/shm")"
	grep -qE '^tmpfs /dev/shm tmpfs .*nosuid.*nodev' "$RIG/shm" || die "mount: $(tail -n 1 "$RIG/shm")"
}

test_runtime_directory_is_the_users_own() {
	look runtime <<-'END'
	#!/bin/sh
	{ stat -c '%a %u %g' "$XDG_RUNTIME_DIR"; stat -c '%a %u %g' "$HOME"; stat -c %a /tmp; } > ~/dirs
	echo > ~/looked
	exec sleep 1000
	END
	[ "$(home runtime dirs | tr '\n' ';')" = '700 1000 1000;700 1000 1000;1777;' ] ||
		die "$(home runtime dirs | tr '\n' ';')"
}

test_environment_is_complete() {
	look env <<-'END'
	#!/bin/sh
	env > ~/env
	echo > ~/looked
	exec sleep 1000
	END
	home env env > "$RIG/env"
	for pair in HOME=/home/stremio USER=stremio LOGNAME=stremio SHELL=/bin/sh \
		    XDG_RUNTIME_DIR=/run/user/1000; do
		grep -qx "$pair" "$RIG/env" || die "no $pair: $(tr '\n' ' ' < "$RIG/env")"
	done
	for key in PATH LANG XDG_CACHE_HOME TMPDIR QT_X11_NO_MITSHM DBUS_SESSION_BUS_ADDRESS; do
		[ -n "$(value "$RIG/env" $key)" ] || die "no $key: $(tr '\n' ' ' < "$RIG/env")"
	done
}

test_configured_environment_wins() {
	instance env <<-'END'
	#!/bin/sh
	env > ~/env
	echo > ~/looked
	exec sleep 1000
	END
	incus config set env environment.FOO='a b' environment.LANG=de_DE.UTF-8 environment.HOME=/tmp
	start env
	until_true 10 is_ready env || die "state $(state env)"
	until_true 10 pull env/tmp/looked || die 'HOME was not /tmp'
	pull env/tmp/env > "$RIG/env"
	for pair in 'FOO=a b' LANG=de_DE.UTF-8 HOME=/tmp; do
		grep -qx "$pair" "$RIG/env" || die "no $pair"
	done
}

test_options_come_from_the_configuration_too() {
	instance option <<-'END'
	#!/bin/sh
	id -u > /tmp/uid.new
	mv /tmp/uid.new /tmp/uid
	exec sleep 1000
	END
	incus config set option environment.STREMIO_USER=4242:4343
	start option
	until_true 10 pull option/tmp/uid || die 'it did not start'
	uid=$(pull option/tmp/uid)
	[ "$uid" = 4242 ] || die "uid $uid"
}
