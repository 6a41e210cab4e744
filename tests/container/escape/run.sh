#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The escape suite: tests/container/escape/run.sh [NAME-PART]...
#
# Runs `escape` as the application under the shim as PID 1, in a container of its own (box.c): a
# user namespace with 65536 mapped ids, so that no attempt that gets through can hurt this
# machine. Then takes the shim's confinement steps out, one at a time, and sees to it that the
# suite notices.
#
# Prints `ok escape.NAME`, `not ok escape.NAME: reason` or `skip escape.NAME: reason`, and last
# `# passed failed skipped: P F S`. Environment: BUILD (build), SHIM (BUILD/stremio-shim),
# IN_FORCE=landlock when the shim confines with Landlock, too (looked up when unset).

set -eu
cd "$(dirname "$0")/../../.."
BUILD=${BUILD:-build}
SHIM=${SHIM:-$BUILD/stremio-shim}
MAKE=${MAKE:-make}
passed=0 failed=0 skipped=0

ok() { echo "ok escape.$1"; passed=$((passed + 1)); }
not_ok() { echo "not ok escape.$1: $2"; failed=$((failed + 1)); }
skip() { echo "skip escape.$1: $2"; skipped=$((skipped + 1)); }

finish() {
	echo "# passed failed skipped: $passed $failed $skipped"
	[ "$failed" = 0 ]
	exit
}

absent() {
	if [ "${CI:-}" = true ]; then not_ok suite "$1"; else skip suite "$1"; fi
	finish
}

[ "$(id -u)" = 0 ] || absent 'needs root (user namespaces with many ids)'
[ -x "$SHIM" ] || absent "no $SHIM (make)"
$MAKE -s --no-print-directory -f tests/container/escape/escape.mk BUILD="$BUILD" escape-programs ||
	absent 'the programs do not build (apt-get install musl-tools)'

work=$(mktemp -d "${TMPDIR:-/tmp}/escape.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# The box's root is another user here: it must be able to come this far.
chmod 755 "$work"
mkdir "$work/root"
cp "$BUILD/escape/escape" "$work/escape"

wanted() {
	name=$1
	shift
	[ $# -gt 0 ] || return 0
	for part in "$@"; do
		case $name in *"$part"*) return 0 ;; esac
	done
	return 1
}

# in_box SHIM OUTPUT [BOX-OPTION]... -- COMMAND...: in $work, output with .out and .err
in_box() {
	install -m 755 "$1" "$work/shim"
	output=$2
	shift 2
	timeout 120 "$BUILD/escape/box" --root="$work/root" --prepare --sit \
		--file="$work/escape:/opt/escape/escape:755" \
		--file="$work/shim:/opt/stremio-shim/stremio-shim:755" \
		"$@" < /dev/null > "$work/$output.out" 2> "$work/$output.err"
}

# Lines that are not as meant, joined.
surprises() {
	grep -E '^(reached|broken) ' "$1" |
		grep -Ev '\[(control|open by design)\]$' | cut -c1-160 | head -n 4 | paste -sd ';'
}

# counted FILE WORD: `attempts`, `blocked`, `reached`, ... from the suite's last line
counted() {
	sed -n "s/^#.*[ ;,]$2 \([0-9]*\).*/\1/p" "$1" | tail -n 1
}

shim=/opt/stremio-shim/stremio-shim
escape=/opt/escape/escape

in_force() {
	if [ -n "${IN_FORCE+set}" ]; then
		echo "$IN_FORCE"
	elif "$SHIM" --help 2> /dev/null | grep -q -- --landlock &&
		[ "$("$BUILD/escape/escape" --landlock-abi)" -gt 0 ]; then
		echo landlock
	fi
}

force=$(in_force)
common="--victim=find${force:+ --in-force=$force}"

# expect_nothing NAME BOX-AND-COMMAND...: everything blocked that is meant to be
expect_nothing() {
	name=$1
	shift
	if in_box "$SHIM" "$name" "$@"; then
		[ "$(counted "$work/$name.out" attempts)" -ge 80 ] ||
			{ not_ok "$name" 'fewer than 80 attempts were made'; return 0; }
		if grep -q 'other user.s process is in sight' "$work/$name.out"; then
			not_ok "$name" 'the process of another user was not there'
			return 0
		fi
		ok "$name"
		sed -n 's/^# attempts/# attempts/p' "$work/$name.out"
	else
		not_ok "$name" "$(surprises "$work/$name.out") $(tail -n 1 "$work/$name.err")"
	fi
}

if wanted nothing_is_reached_as_the_child_of_pid_1 "$@"; then
	# shellcheck disable=SC2086
	expect_nothing nothing_is_reached_as_the_child_of_pid_1 --hard --listen=/tmp/.X11-unix/X0 \
		-- $shim -- $escape $common
fi
if wanted nothing_is_reached_by_a_later_launch "$@"; then
	# shellcheck disable=SC2086
	expect_nothing nothing_is_reached_by_a_later_launch --join \
		-- $shim -- $escape $common
fi
if wanted nothing_is_reached_under_the_server_policy "$@"; then
	# The same attempts; its controls, too, are all there.
	# shellcheck disable=SC2086
	expect_nothing nothing_is_reached_under_the_server_policy --hard \
		-- $shim --policy=server -- $escape $common
fi
if wanted userns_allow_opens_nothing_else "$@"; then
	# Landlock forbids all mounting, so the shim leaves it out then.
	expect_nothing userns_allow_opens_nothing_else --hard \
		-- $shim --userns=allow -- $escape --victim=find --open=userns
fi
if wanted a_terminal_takes_no_input_from_inside "$@"; then
	name=a_terminal_takes_no_input_from_inside
	if in_box "$SHIM" $name --pty -- $shim -- $escape --only=terminal.; then
		if grep -q '^blocked terminal.inject-inherited by no controlling' "$work/$name.out"; then
			not_ok $name 'the command was given no terminal'
		else
			ok $name
		fi
	else
		not_ok $name "$(surprises "$work/$name.out")"
	fi
fi

# --- without one step -------------------------------------------------------------------------

# The sources as they are now, and what is compiled of them, so that one file is compiled anew.
snapshot() {
	mkdir -p "$work/source/build"
	cp -a Makefile hooks shim tests "$work/source/" || return 1
	for kept in deps obj gen policy stremio-policy tools; do
		[ ! -e "$BUILD/$kept" ] || cp -a "$BUILD/$kept" "$work/source/build/" || return 1
	done
}

# mutant CALLS FILE...: a shim without these calls (a regular expression of names with their
# bracket), and without the checks that would notice
mutant() {
	tree=$work/tree
	rm -rf "$tree"
	cp -a "$work/source" "$tree"
	pattern=$1
	shift
	for file in "$@"; do
		grep -Eq "($pattern)[^|;]* < 0" "$tree/$file" || return 2
		sed -E -e "s/($pattern)[^|;]* < 0/0/" \
			-e 's/verify_(privileges|confinement|supervisor)\([^|;]* < 0/0/' "$tree/$file" \
			> "$work/mutant.c"
		cat "$work/mutant.c" > "$tree/$file"
	done
	(cd "$tree" && $MAKE -s --no-print-directory BUILD=build WERROR=-Wno-unused-function \
		build/stremio-shim) > "$work/mutant.log" 2>&1 || return 1
}

# noticed STEP REQUIRED CALLS FILE...: REQUIRED is what must be among the reached
noticed() {
	name=removing_$1_is_noticed
	required=$2
	shift 2
	# shellcheck disable=SC2086
	wanted "$name" $names || return 0
	status=0
	mutant "$@" || status=$?
	# shellcheck disable=SC2086
	if [ $status = 2 ]; then
		not_ok "$name" "there is no line with $1 in $2"
	elif [ $status != 0 ]; then
		not_ok "$name" "it does not build: $(grep -m1 -E 'error|\*\*\*' "$work/mutant.log")"
	elif in_box "$work/tree/build/stremio-shim" mutant --hard -- $shim -- $escape $common; then
		not_ok "$name" 'the suite found nothing'
	elif [ "$required" = refuses ]; then
		# The kernel itself, or a later step, refuses to go on without it.
		if grep -q '^stremio-shim: ' "$work/mutant.err" && [ ! -s "$work/mutant.out" ]; then
			ok "$name"
		else
			not_ok "$name" 'it started nevertheless'
		fi
	elif grep -q "^reached $required:" "$work/mutant.out"; then
		ok "$name"
	else
		not_ok "$name" "not by $required: $(surprises "$work/mutant.out")"
	fi
}

names="$*"
if [ ! -d "$BUILD/obj" ] || [ ! -d "$BUILD/deps" ]; then
	skip removing_a_step_is_noticed "no objects below $BUILD to link without a step (make)"
	finish
fi
if ! snapshot; then
	not_ok removing_a_step_is_noticed 'the sources cannot be copied'
	finish
fi
launch=shim/become.c
noticed groups state.groups 'confine_groups\(' $launch
noticed bounding state.bounding 'confine_bounding\(' $launch
noticed securebits state.securebits 'confine_securebits\(' $launch
noticed gid state.gid 'confine_gid\(' $launch
noticed uid state.uid 'confine_uid\(' $launch
noticed capabilities state.inheritable 'confine_(capabilities|ambient)\(' $launch
noticed no_new_privs refuses 'confine_no_new_privs\(' $launch
noticed parent_death state.parent-death 'confine_parent_death\(' $launch
noticed filter process.trace-sibling 'load_policy\(' $launch
# Filter and Landlock both refuse to be put on without it; so all three.
noticed filter_landlock_and_no_new_privs identity.setuid-program \
	'load_policy\(|confine_no_new_privs\(|landlock_confine\(' $launch
noticed supervisor_capabilities state.supervisor-capabilities 'confine_capabilities\(' \
	shim/retire.c
noticed supervisor_bounding state.supervisor-bounding 'confine_bounding\(' shim/retire.c
noticed supervisor_filter state.supervisor-filter 'filter_(load|try)\(' shim/retire.c
noticed supervisor_no_new_privs state.supervisor-no-new-privs \
	'filter_(load|try)\(|confine_no_new_privs\(' shim/retire.c
noticed directory state.directory 'stay_inside\(' $launch
noticed descriptors state.descriptors 'descriptors_(close_on_exec|clean)\(' $launch shim/main.c
[ "$force" != landlock ] || noticed landlock file.write-srv 'landlock_confine\(' $launch
finish
