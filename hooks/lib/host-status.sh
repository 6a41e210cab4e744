#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# status and logs. For sourcing by stremio-incus.

# Instances of the profile, or attached, as lines NAME TAB STATE TAB PROFILES TAB DISPLAY TAB
# SOUND TAB NETWORK TAB SELF-TEST.
status_rows() {
	incus query "/1.0/instances?recursion=1&project=$project_arg" < /dev/null > "$work/all" 2> "$work/error" ||
		run_failed status
	awk -v profile="$profile" '
	function value(line) { sub(/^[^:]*: "/, "", line); sub(/",?$/, "", line); return line }
	function row() {
		if (ours)
			printf "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", name, status, profiles, x11 ? x11 : "-",
				sound ? sound : "-", net ? net : "-", test ? test : "-"
		ours = own = in_profiles = 0
		name = status = profiles = x11 = sound = net = test = ""
	}
	/^\t\t"config": \{/ { own = 1 }
	/^\t\t"devices": \{/ { own = 2 }
	/^\t\t"profiles": \[/ { in_profiles = 1 }
	/^\t\t[}\]]/ { own = in_profiles = 0 }
	own == 1 && /"user\.stremio-shim\.attached"/ { ours = 1 }
	own == 1 && /"user\.stremio-shim\.x11"/ { x11 = value($0) }
	own == 1 && /"user\.stremio-shim\.self-test"/ { test = value($0) }
	own == 2 && /^\t\t\t"(pulse|pipewire)": \{/ { sound = $1; gsub(/[":]/, "", sound) }
	own == 2 && /"ipv4.address"/ { net = value($0) }
	in_profiles && /^\t\t\t"/ {
		p = $1
		gsub(/[",]/, "", p)
		if (p == profile || p == profile "-system")
			ours = 1
		profiles = profiles (profiles ? "," : "") p
	}
	/^\t\t"name": "/ { name = value($0) }
	/^\t\t"status": "/ { status = value($0) }
	/^\t\}/ { row() }' "$work/all"
}

verb_status() {
	[ $# = 0 ] || usage_error "status: $1: not understood"
	incus_ready
	show "incus query '/1.0/instances?recursion=1&project=$project_arg'"
	status_rows > "$work/rows"
	[ -s "$work/rows" ] || {
		tell "no instance uses the profile $profile (stremio-incus launch makes one)"
		return 0
	}
	{
		printf 'NAME\tSTATE\tPROFILES\tDISPLAY\tSOUND\tADDRESS\tSELF-TEST\n'
		cat "$work/rows"
	} | awk -F'\t' '
	{
		for (i = 1; i <= NF; i++) {
			cell[NR, i] = $i
			if (length($i) > width[i])
				width[i] = length($i)
		}
	}
	END {
		for (r = 1; r <= NR; r++) {
			for (i = 1; i < NF; i++)
				printf "%-*s  ", width[i], cell[r, i]
			print cell[r, NF]
		}
	}'
}

# While an instance ends, Incus gives an error in place of it.
console_log() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		incus console "$1" --show-log < /dev/null > "$work/console" 2> "$work/console-error" && break
		grep -q 'connection refused' "$work/console-error" || break
		sleep 0.2
	done
	printable < "$work/console" | sed '/^$/d'
}

# liblxc's own lines, errors and how PID 1 ended; its chatter is left out.
lxc_log() {
	incus info "$1" --show-log < /dev/null 2> /dev/null | printable |
		sed -n -e 's/^lxc [^ ]* \([0-9]*\)\.[0-9]* \(ERROR\|WARN\)  *\(.*\)/\1 \2 \3/p' \
			-e 's/^lxc [^ ]* \([0-9]*\)\.[0-9]* [A-Z]*  *.*\(Child <[0-9]*> ended on .*\)/\1 \2/p'
}

# What is new of a log that only grows, until the instance has ended. The console's is a ring:
# when what was seen last is gone from it, all of it is new.
logs_follow() {
	: > "$work/seen"
	while :; do
		running=1
		instance_read "$1" || fail "$1" 'it is gone'
		[ "$instance_state" != Stopped ] || running=0
		console_log "$1" > "$work/now"
		awk 'FILENAME == ARGV[1] { old[++n] = $0; next }
		{ line[FNR] = $0; m = FNR }
		END {
			for (from = 1; from <= n + 0; from++) {
				for (i = 0; from + i <= n && old[from + i] == line[i + 1]; i++)
					;
				if (from + i > n)
					break
			}
			for (j = n + 2 - from; j <= m; j++)
				print "console | " line[j]
		}' "$work/seen" "$work/now"
		mv "$work/now" "$work/seen"
		[ $running = 1 ] || break
		sleep 1
	done
	lxc_log "$1" | tail -n 5 | sed 's/^/lxc.log | /'
}

verb_logs() {
	follow=0 name=
	for word in "$@"; do
		case $word in
		-f|--follow) follow=1 ;;
		*) only_name "$word" ;;
		esac
	done
	incus_ready
	name=${name:-$default_name}
	instance_require "$name"
	if [ "$dry_run" = 1 ]; then
		run logs incus console "$name" --show-log
		run logs incus info "$name" --show-log
	elif [ $follow = 1 ]; then
		logs_follow "$name"
	else
		console_log "$name" | sed 's/^/console | /'
		lxc_log "$name" | sed 's/^/lxc.log | /'
	fi
}
