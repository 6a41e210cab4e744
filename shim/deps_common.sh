#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Fetching a library's source from the distribution, pinned by version and SHA-256, with apt-get
# through a package list of its own: no root, nothing below /etc or /var/lib changes.
#
# For sourcing, after setting
#
#   top, deps            the tree; where products go, absolute
#   library, version     the source package
#   suffix, sha256       of its tarball: gz, bz2, xz
#   variable             name of the variable that may hold a tarball to use instead
#   given                its value
#
# it gives
#
#   fail STEP MESSAGE    say why and end
#   need PROGRAM PACKAGE end with the package's name when a program is missing
#   find_source          leave the tarball's name in $tarball
#   unpack DIR FILE      unpack it; FILE is one that it must hold
#
# shellcheck disable=SC2154 # the variables above are set by who sources this

fail() {
	printf 'deps: %s: %s\n' "$1" "$2" >&2
	exit 1
}

need() {
	command -v "$1" >/dev/null 2>&1 ||
		fail tools "$1 not found (apt-get install $2)"
}

checksum() {
	sha256sum < "$1" | cut -d' ' -f1
}

find_source() {
	tarball=$deps/${library}_$version.orig.tar.$suffix
	if [ -n "$given" ]; then
		[ -r "$given" ] || fail fetch "$variable=$given: cannot be read"
		tarball=$given
		if [ "$(checksum "$tarball")" = "$sha256" ]; then
			return 0
		fi
		case ${tarball##*/} in
		*$version.*)
			fail checksum "$tarball: not $library $version as released (SHA-256 is not $sha256; name a changed one differently to build with it)" ;;
		esac
		echo "deps: using $tarball, which is not the pinned $library $version: checksum not checked" >&2
		return 0
	fi
	if [ -f "$tarball" ] && [ "$(checksum "$tarball")" = "$sha256" ]; then
		return 0
	fi
	rm -f "$tarball"
	fetch
	[ -f "$tarball" ] ||
		fail fetch "the distribution has another $library than $version (give the source with $variable=FILE)"
	[ "$(checksum "$tarball")" = "$sha256" ] || {
		mv "$tarball" "$tarball.bad"
		fail checksum "$tarball.bad: SHA-256 is not $sha256 (fetch again, or give the source with $variable=FILE)"
	}
}

# The package list is the library's own: two may be fetched at a time (make -j).
fetch() {
	command -v apt-get >/dev/null 2>&1 ||
		fail fetch "no apt-get here (give $library-$version's source with $variable=FILE)"
	# shellcheck source=../hooks/lib/apt-sources.sh
	. "$top/hooks/lib/apt-sources.sh"
	apt=$deps/apt-$library
	apt_private_list "$apt" deb-src || exit 1
	echo "deps: fetching the source of $library $version" >&2
	apt_private_update "$apt" 2> "$apt/why" ||
		fail fetch "$(sed 's/^apt-sources: //; s/ (see .*//' "$apt/why") (network? else give the source with $variable=FILE)"
	# As root apt may hand the download to _apt, which cannot write here: let it fetch as us.
	(cd "$deps" && apt-get -c "$apt/apt.conf" -o APT::Sandbox::User=root -qq \
		source --download-only "$library") > "$apt/fetch.log" 2>&1 ||
		fail fetch "apt-get source $library: $(grep -m1 '^E:' "$apt/fetch.log" || echo failed) (network? else give the source with $variable=FILE)"
	rm -rf "$apt" "$deps/${library}"_*.dsc "$deps/${library}"_*.debian.tar.* "$deps/${library}"_*.asc
}

unpack() {
	rm -rf "$1"
	mkdir -p "$1"
	tar -xf "$tarball" --strip-components=1 -C "$1" ||
		fail unpack "$tarball: tar failed (is it a $library tarball?)"
	[ -f "$1/$2" ] ||
		fail unpack "$tarball: holds no $2 (is it a $library tarball?)"
}
