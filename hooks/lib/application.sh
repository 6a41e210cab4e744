#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # work is a private directory of the caller's
#
# As whom the shim will run an instance's application, told from outside, so that what only the
# application may read can be made its own. For sourcing.
#
#   application_ids NAME USER [WORDS]   uid and gid; USER is its environment.STREMIO_USER, if set;
#                               WORDS the shim's own, one a line, as shim_words tells them
#   shim_words RAW_LXC          of what stands there as lxc.init.cmd; fails when that is not the shim
#   pull_text NAME PATH         a text of the instance's
#   printable                   standard input, as a terminal may have it
#
# The instance's texts are taken from whoever made the image: a wrong one gives the file to
# another user in there, never to anybody outside.

# The last lxc.init.cmd is in force. RAW_LXC as JSON has it.
shim_words() {
	init=$(printf '%s\n' "$1" | sed 's/\\n/\n/g' | sed -n 's/^ *lxc\.init\.cmd *= *//p' | tail -n 1)
	case $init in
	*/stremio-shim*) printf '%s\n' "$init" | tr ' ' '\n' ;;
	*) return 1 ;;
	esac
}

# The last --user among the shim's words, one a line.
user_word() {
	awk '$0 == "--" { exit } take { print; take = 0 } $0 == "-u" || $0 == "--user" { take = 1 }
		/^--user=/ { sub(/^--user=/, ""); print } /^-u./ { sub(/^-u/, ""); print }' | tail -n 1
}

# By the shim's own rule: --user of its command line, else of the args file, else STREMIO_USER, else
# stremio, nonroot, uid 1000, 65532.
application_ids() {
	who=$(printf '%s\n' "${3:-}" | user_word)
	who=${who:-$(pull_text "$1" /etc/stremio-shim.args | user_word)}
	[ -n "$who" ] || who=$2
	pull_text "$1" /etc/passwd | awk -F: -v who="${who:-auto}" '
	BEGIN {
		n = split(who, w, ":")
		user = w[1]
		if (n > 1 && w[2] ~ /^[0-9]+$/)
			group = w[2]
	}
	$1 == user { hit = $3 " " $4 }
	user == "auto" && $1 == "stremio" { a = $3 " " $4 }
	user == "auto" && $1 == "nonroot" { b = $3 " " $4 }
	user == "auto" && $3 == 1000 && !c { c = $3 " " $4 }
	END {
		if (user ~ /^[0-9]+$/)
			hit = user " " user
		if (!hit)
			hit = a ? a : b ? b : c ? c : "65532 65532"
		split(hit, id, " ")
		if (group != "")
			id[2] = group
		if (id[1] !~ /^[0-9]+$/ || id[2] !~ /^[0-9]+$/)
			id[1] = id[2] = 65532
		print id[1], id[2]
	}'
}

# pull_text NAME PATH: nothing where there is no such file. It is the instance's: it may be
# endless, or a pipe. On a stopped instance a helper of Incus's serves files, which leaves when
# its last client has gone: who comes just then is told EOF.
pull_text() {
	for _ in 1 2 3; do
		timeout 20 incus file pull -q "$1$2" - 2> "$work/pull" < /dev/null |
			head -c 1048576 > "$work/pulled"
		grep -q EOF "$work/pull" || break
	done
	cat "$work/pulled"
}

# What comes out of an instance, for a terminal: no control characters, which could move the
# cursor, set the title or make it answer; those of Unicode (U+0080 to U+009F) neither. What is left
# makes no new ones: in UTF-8 no C2 follows another, and after it comes one byte. One pass, as the line
# may have megabytes.
printable() {
	LC_ALL=C tr -ds '\000-\010\013-\037\177' '\302' | LC_ALL=C sed 's/\xc2[\x80-\x9f]\{1,\}//g'
}
