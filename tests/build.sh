#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The build tier: what the build promises of its products, and of its refusals.

set -eu
cd "$(dirname "$0")/.."
top=$(pwd)
BUILD=${BUILD:-build}
MAKE=${MAKE:-make}
jobs=-j$(nproc)
shim=$(cd "$BUILD" && pwd)/stremio-shim
products=$BUILD
probe=${shim%/*}/stremio-probe
alsa_source=$(find "${shim%/*}/deps/alsa/source" -type f | head -n1)
source=$(find "${shim%/*}/deps/musl/source" -type f | head -n1)
# What is built below must not see what this run was given.
unset MAKEFLAGS MFLAGS MAKELEVEL SHIM CAPNG_SRC ALSA_SRC BUILD
work=$(mktemp -d "${TMPDIR:-/tmp}/stremio-shim-build.XXXXXX")
cleanup() {
	# A second signal, as timeout(1) sends, must not cut this short.
	trap "" INT TERM
	cat "$work"/*.pid 2> /dev/null | xargs -r kill 2> /dev/null || :
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
passed=0 failed=0 skipped=0

# start FUNCTION: a test, which fails at its first failing command. In the background because
# `set -e` counts for nothing inside a condition, and so that whole builds run side by side.
start() {
	(set -e; "$1") > "$work/$1.out" 2>&1 &
	echo $! > "$work/$1.pid"
}

# result FUNCTION: waits for a test that was started, and prints its line
result() {
	pid=$(cat "$work/$1.pid")
	rm "$work/$1.pid"
	if wait "$pid"; then
		echo "ok build.$1"
		passed=$((passed + 1))
	else
		tail -n 20 "$work/$1.out" | sed 's/^/    | /'
		echo "not ok build.$1"
		failed=$((failed + 1))
	fi
}

expect() {
	start "$1"
	result "$1"
}

# not COMMAND...: `! COMMAND` alone would not end a test
not() {
	if "$@"; then return 1; fi
}

# copy DIR: this tree without its build products
copy() {
	mkdir -p "$1"
	tar -cf - --exclude=./.git --exclude="./$products" --exclude=./build . | tar -xf - -C "$1"
}

no_dynamic_section() {
	readelf -d "$shim" 2>&1 | grep -q 'no dynamic section'
	readelf -lW "$shim" > "$work/segments"
	not grep -E 'INTERP|DYNAMIC' "$work/segments"
}

loads_at_fixed_addresses() {
	readelf -h "$shim" | grep -q 'Type:.*EXEC'
}

nothing_writable_is_executable() {
	readelf -lW "$shim" > "$work/segments"
	grep -q GNU_STACK "$work/segments"
	not grep -E '^ *(LOAD|GNU_STACK) .* (RWE|R?W E|WE) ' "$work/segments"
}

is_stripped() {
	readelf -SW "$shim" > "$work/sections"
	not grep -E '\.symtab|\.debug|\.comment' "$work/sections"
}

# What strangers' bytes may get to run in lies at a random address and loads nothing.
the_probe_is_static_and_position_independent() {
	readelf -h "$probe" | grep -q 'Type:.*DYN'
	readelf -lW "$probe" > "$work/segments"
	not grep INTERP "$work/segments"
	not grep -E '^ *(LOAD|GNU_STACK) .* (RWE|R?W E|WE) ' "$work/segments"
	readelf -dW "$probe" > "$work/dynamic"
	not grep NEEDED "$work/dynamic"
}

at_most_100_kib() {
	size=$(stat -c %s "$shim")
	echo "$size bytes"
	[ "$size" -le 102400 ]
}

# The same bytes as here from another place with BUILD elsewhere; builds_without_root has a third.
same_bytes_from_any_directory() {
	copy "$work/another/place/of/another/length"
	(cd "$work/another/place/of/another/length" &&
		CAPNG_SRC=$source "$MAKE" -s "$jobs" BUILD="$work/elsewhere" "$work/elsewhere/stremio-shim")
	cmp "$work/elsewhere/stremio-shim" "$shim"
}

names_no_path_of_the_builder() {
	not grep -a -e "$top" -e "$HOME/" "$shim"
	not grep -a -e "$top" -e "$HOME/" "$probe"
}

# LGPL 2.1, section 6: whoever has the sources can put a changed libcap-ng in.
relinks_with_a_changed_libcap_ng() {
	mkdir "$work/capng"
	tar -xzf "$source" -C "$work/capng"
	mv "$work"/capng/* "$work/capng/libcap-ng-mine"
	sed -i 's,/proc/%d/status,/proc/%d/STATUS,' "$work/capng/libcap-ng-mine/src/cap-ng.c"
	tar -czf "$work/libcap-ng-mine.tar.gz" -C "$work/capng" libcap-ng-mine
	copy "$work/one"
	(cd "$work/one" && "$MAKE" -s "$jobs" relink CAPNG_SRC="$work/libcap-ng-mine.tar.gz") 2> "$work/relink"
	grep -q 'not the pinned libcap-ng' "$work/relink"
	grep -aq '/proc/%d/STATUS' "$work/one/build/stremio-shim"
}

# refuses PATTERN COMMAND...: fails with exactly one line of ours, and that matches
refuses() {
	pattern=$1
	shift
	status=0
	"$@" > "$work/said" 2>&1 || status=$?
	cat "$work/said"
	[ "$status" != 0 ]
	[ "$(grep -c '^\(deps\|make\): [a-z]*: ' "$work/said")" = 1 ]
	grep -Eq "$pattern" "$work/said"
}

refuses_another_content_of_the_pinned_version() {
	{ cat "$source"; echo; } > "$work/libcap-ng-0.8.3.tar.gz"
	refuses '^deps: checksum: .*SHA-256' env BUILD="$work/b1" \
		CAPNG_SRC="$work/libcap-ng-0.8.3.tar.gz" sh shim/deps.sh musl
	[ ! -e "$work/b1/deps/musl/lib/libcap-ng.a" ]
}

refuses_a_source_that_is_no_tarball() {
	echo text > "$work/text.tar.gz"
	refuses '^deps: unpack: ' env BUILD="$work/b2" CAPNG_SRC="$work/text.tar.gz" \
		sh shim/deps.sh musl
}

refuses_a_source_that_is_not_there() {
	refuses '^deps: fetch: CAPNG_SRC=.*cannot be read' env BUILD="$work/b3" \
		CAPNG_SRC="$work/absent" sh shim/deps.sh musl
}

# A PATH with everything but the compiler.
names_the_package_of_a_missing_compiler() {
	mkdir "$work/bin"
	# A process for each of two thousand would take longer than a whole build.
	for d in /usr/bin /bin; do
		ln -sf "$d"/* "$work/bin/"
	done
	rm "$work/bin/musl-gcc"
	refuses 'apt-get install .*musl-tools' env PATH="$work/bin" BUILD="$work/b4" \
		CAPNG_SRC="$source" sh shim/deps.sh musl
	refuses 'apt-get install .*musl-tools' env PATH="$work/bin" "$MAKE" -s BUILD="$work/b5"
}

says_when_the_source_cannot_be_fetched() {
	# A network namespace without an interface: no mirror answers.
	refuses '^(deps|apt-sources): .*(network|mirror)' \
		unshare -rn env BUILD="$work/b6" sh shim/deps.sh musl
}

builds_without_root() {
	copy "$work/user"
	cp "$source" "$work/user/capng.tar.gz"
	cp "$alsa_source" "$work/user/"
	chown -R 65534:65534 "$work/user"
	chmod 755 "$work"
	setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent \
		CAPNG_SRC=capng.tar.gz ALSA_SRC="${alsa_source##*/}" "$MAKE" -s "$jobs" -C "$work/user"
	cmp "$work/user/build/stremio-shim" "$shim"
	[ -x "$work/user/build/stremio-probe" ]
}

# What install puts there is found again, with paths that fit, and uninstall takes it all.
installs_and_uninstalls_below_a_prefix() {
	"$MAKE" -s install BUILD="$products" DESTDIR="$work/root" prefix=/opt/other
	cmp "$shim" "$work/root/opt/other/lib/stremio-shim/guest/stremio-shim"
	cmp "$probe" "$work/root/opt/other/lib/stremio-shim/guest/stremio-probe"
	doc=$work/root/opt/other/share/doc/stremio-shim
	grep -q 'LESSER GENERAL PUBLIC' "$doc/libcap-ng.COPYING.LIB"
	grep -q 'LESSER GENERAL PUBLIC' "$doc/alsa-lib.COPYING"
	cmp "$source" "$doc/${source##*/}"
	cmp "$alsa_source" "$doc/${alsa_source##*/}"
	cmp LICENSE "$doc/LICENSE"
	cmp "${shim%/*}/stremio-hook" "$work/root/opt/other/lib/stremio-shim/stremio-hook"
	# By the name by which the troubleshooting calls it.
	cmp "${shim%/*}/stremio-hook" "$work/root/opt/other/sbin/stremio-hook"
	grep -q '"/opt/other/lib/stremio-shim/stremio-hook plug"' \
		"$work/root/opt/other/lib/udev/rules.d/60-stremio-shim.rules"
	profile=$work/root/opt/other/share/stremio-shim/incus-profile.yaml
	grep -q '/opt/other/lib/stremio-shim/guest' "$profile"
	grep -q 'h=/opt/other/lib/stremio-shim/stremio-hook' "$profile"
	not grep '/usr/local' "$profile"
	"$MAKE" -s uninstall BUILD="$products" DESTDIR="$work/root" prefix=/opt/other
	[ -z "$(find "$work/root" ! -type d)" ]
}

options_of() {
	"$1" --help | grep -oE -- '(^| )--[a-z][a-z-]*' | tr -d ' ' | sort -u
}

# manual PROGRAM PAGE: names every option of the program's help and no other
manual() {
	options_of "$1" > "$work/help"
	grep -oE 'Fl -[a-z][a-z-]*' "$2" | sed 's/Fl -/--/' | sort -u > "$work/page"
	diff "$work/help" "$work/page"
}

manuals_name_every_option_and_no_other() {
	manual "$shim" shim/stremio-shim.8
	manual "${shim%/*}/stremio-policy" shim/policy/stremio-policy.1
	manual "$probe" shim/probe/stremio-probe.8
	manual "${shim%/*}/stremio-hook" hooks/stremio-hook.8
}

readme_names_no_option_that_is_not_there() {
	options_of "$shim" > "$work/help"
	grep -oE 'stremio-shim[^|`]* --[a-z][a-z-]*' README.md | grep -oE -- '--[a-z][a-z-]*' |
		sort -u | while read -r option; do
			grep -qxF -- "$option" "$work/help" || { echo "$option"; exit 1; }
		done
}

# The whole builds, beside all the others. Nothing they use is written by another test.
start same_bytes_from_any_directory
start relinks_with_a_changed_libcap_ng
[ "$(id -u)" != 0 ] || start builds_without_root
expect no_dynamic_section
expect loads_at_fixed_addresses
expect nothing_writable_is_executable
expect is_stripped
expect the_probe_is_static_and_position_independent
expect at_most_100_kib
expect names_no_path_of_the_builder
expect refuses_another_content_of_the_pinned_version
expect refuses_a_source_that_is_no_tarball
expect refuses_a_source_that_is_not_there
expect names_the_package_of_a_missing_compiler
if unshare -rn true 2>/dev/null; then
	expect says_when_the_source_cannot_be_fetched
else
	echo 'skip build.says_when_the_source_cannot_be_fetched: no network namespaces here'
	skipped=$((skipped + 1))
fi
expect installs_and_uninstalls_below_a_prefix
expect manuals_name_every_option_and_no_other
expect readme_names_no_option_that_is_not_there
result same_bytes_from_any_directory
result relinks_with_a_changed_libcap_ng
if [ "$(id -u)" = 0 ]; then
	result builds_without_root
else
	echo 'skip build.builds_without_root: is built without root already'
	skipped=$((skipped + 1))
fi
echo "# passed failed skipped: $passed $failed $skipped"
[ "$failed" = 0 ]
