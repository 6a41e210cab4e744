#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A private apt configuration made from the machine's own: same mirrors, same keys, but a
# package list and a cache of its own, so that nothing below /etc/apt or /var/lib/apt changes
# and a user without root can fetch source packages. No host is spelled out anywhere.
#
# Sourced, it gives
#
#   apt_private_list DIR TYPE...   write DIR/apt.conf and what it points to
#   apt_private_update DIR         fetch the lists it needs (quiet; says why when it fails)
#
# to be used as   apt-get -c DIR/apt.conf source PACKAGE
# TYPE is deb, deb-src (the suites the machine has) or backports (the machine's release with
# -backports added). Run as a program it does both: apt-sources.sh DIR TYPE...

# Name of the release this machine runs, e.g. bookworm.
apt_codename() {
	# shellcheck source=/dev/null
	( . /etc/os-release && printf '%s\n' "${VERSION_CODENAME:-}" )
}

# The files apt itself reads, in its order. Names come from apt, not from here.
apt_source_files() {
	(
		list='' parts=''
		eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
		[ ! -f "$list" ] || printf '%s\n' "$list"
		for f in "${parts%/}"/*.list "${parts%/}"/*.sources; do
			[ ! -f "$f" ] || printf '%s\n' "$f"
		done
	)
}

# Every entry of the machine's configuration that belongs to its release, as deb822 stanzas of
# the wanted type. Entries of other suites (vendors' own repositories) are left out: they are
# not needed and one that does not answer would fail the update.
# usage: apt_stanzas CODENAME TYPE FILE...
apt_stanzas() {
	codename=$1 type=$2
	shift 2
	[ $# -gt 0 ] || return 0
	awk -v codename="$codename" -v type="$type" '
	function wanted(suite) {
		return suite ~ ("^(" codename "|stable|oldstable|testing|unstable|sid)([-/].*)?$")
	}
	# One stanza: text holds the fields that are passed on as they are.
	function emit(suites, comps, text,    n, i, s, keep) {
		if ((" " comps " ") !~ / (main|universe) /)
			return
		n = split(suites, s, /[ \t\n]+/)
		for (i = 1; i <= n; i++) {
			if (!wanted(s[i]))
				continue
			if (type != "backports")
				keep = keep " " s[i]
			else if (s[i] !~ /[-\/]/)
				keep = " " codename "-backports"
		}
		if (keep == "" || (text keep) in seen)
			return
		seen[text keep] = 1
		printf "Types: %s\nSuites:%s\nComponents: %s\n%s\n",
			type == "backports" ? "deb" : type, keep, comps, text
	}
	function flush() {
		if (types ~ /(^|[ \t])deb([ \t]|$)/ && enabled !~ /^(no|false|0|off|without|disable)$/)
			emit(suites, comps, text)
		types = suites = comps = text = enabled = field = ""
	}
	FNR == 1 { flush(); deb822 = FILENAME ~ /\.sources$/ }
	/^[ \t]*#/ { next }
	deb822 && /^[ \t]*$/ { flush(); next }
	deb822 {
		if ($0 ~ /^[ \t]/)
			value = $0
		else {
			field = tolower(substr($0, 1, index($0, ":") - 1))
			value = substr($0, index($0, ":") + 1)
			sub(/^[ \t]+/, "", value)
		}
		sub(/[ \t]+$/, "", value)
		if (field == "types") types = types " " value
		else if (field == "suites") suites = suites " " value
		else if (field == "components") comps = comps " " value
		else if (field == "enabled") enabled = tolower(value)
		else text = text $0 "\n"
		next
	}
	# deb [option=value ...] URI SUITE COMPONENT...
	$1 == "deb" {
		line = $0
		sub(/[ \t]#.*$/, "", line)
		sub(/^[ \t]*deb[ \t]+/, "", line)
		opts = ""
		if (match(line, /^\[[^]]*\][ \t]*/)) {
			opts = substr(line, 2, RLENGTH - 1)
			sub(/\][ \t]*$/, "", opts)
			line = substr(line, RLENGTH + 1)
		}
		n = split(line, w, /[ \t]+/)
		if (n < 3 || w[1] ~ /^cdrom:/)
			next
		t = "URIs: " w[1] "\n"
		m = split(opts, o, /[ \t]+/)
		for (i = 1; i <= m; i++) {
			if (o[i] !~ /=/)
				continue
			k = substr(o[i], 1, index(o[i], "=") - 1)
			v = substr(o[i], index(o[i], "=") + 1)
			# sources.list(5): three options are named otherwise in deb822.
			if (k == "arch") k = "Architectures"
			else if (k == "lang") k = "Languages"
			else if (k == "target") k = "Targets"
			gsub(/,/, " ", v)
			t = t k ": " v "\n"
		}
		c = ""
		for (i = 3; i <= n; i++)
			c = c (c == "" ? "" : " ") w[i]
		emit(w[2], c, t)
	}
	END { flush() }
	' "$@"
}

# apt_private_list DIR TYPE... : see the top. Returns 1 with one line on stderr when the
# machine's configuration holds nothing to derive from.
apt_private_list() {
	[ $# -ge 2 ] || { echo 'apt-sources: usage: apt_private_list DIR TYPE...' >&2; return 1; }
	mkdir -p "$1/sources.list.d" "$1/lists/partial" "$1/cache/archives/partial" || return 1
	apt_dir=$(cd "$1" && pwd) || return 1
	shift
	apt_code=$(apt_codename)
	[ -n "$apt_code" ] || {
		echo 'apt-sources: /etc/os-release names no VERSION_CODENAME (only releases of Debian and its kin are known here)' >&2
		return 1
	}
	apt_out=$apt_dir/sources.list.d/private.sources
	apt_source_files > "$apt_dir/files"
	# The list is passed by words: apt's own file names hold no spaces (apt ignores such).
	# shellcheck disable=SC2046
	for apt_type in "$@"; do
		case $apt_type in
		deb|deb-src|backports) apt_stanzas "$apt_code" "$apt_type" $(cat "$apt_dir/files") ;;
		*) echo "apt-sources: $apt_type: not one of deb, deb-src, backports" >&2; return 1 ;;
		esac
	done > "$apt_out.new" || return 1
	[ -s "$apt_out.new" ] || {
		echo "apt-sources: no 'deb' entry for $apt_code with component main in the machine's apt configuration (add its Debian mirror to /etc/apt/sources.list)" >&2
		return 1
	}
	mv "$apt_out.new" "$apt_out"

	# As root apt downloads as user _apt, which may not reach a directory below somebody's
	# home; the signatures are checked all the same.
	apt_user=root
	if [ "$(id -u)" = 0 ] && id _apt >/dev/null 2>&1; then
		chown _apt "$apt_dir/lists/partial" "$apt_dir/cache/archives/partial"
		if setpriv --reuid=_apt --regid=nogroup --clear-groups \
		   test -w "$apt_dir/lists/partial" 2>/dev/null; then
			apt_user=_apt
		fi
	fi
	cat > "$apt_dir/apt.conf" <<-END
	Dir::Etc::SourceList "/dev/null";
	Dir::Etc::SourceParts "$apt_dir/sources.list.d";
	Dir::State::Lists "$apt_dir/lists";
	Dir::Cache "$apt_dir/cache";
	Acquire::Languages "none";
	Acquire::Retries "3";
	APT::Sandbox::User "$apt_user";
	END
}

# apt_private_update DIR: fetch the lists. A mirror that lacks a suite is no failure as long
# as another answered; whoever needs a package finds out when it is not there.
apt_private_update() {
	# Of a mirror that it does not reach apt-get may only warn.
	apt-get -c "$1/apt.conf" -qq update > "$1/update.log" 2>&1 || :
	find "$1/lists" -maxdepth 1 -type f \( -name '*Packages*' -o -name '*Sources*' \) |
		grep -q . && return 0
	echo "apt-sources: apt-get update: $(grep -m1 '^[EW]:' "$1/update.log" || echo failed) (see $1/update.log; is the mirror reachable?)" >&2
	return 1
}

if [ "${0##*/}" = apt-sources.sh ]; then
	set -eu
	[ $# -ge 2 ] || { echo 'usage: apt-sources.sh DIR deb|deb-src|backports...' >&2; exit 64; }
	apt_private_list "$@"
	apt_private_update "$1"
fi
