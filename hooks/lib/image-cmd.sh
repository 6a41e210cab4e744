#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# stremio-incus image: make images for Incus that run under stremio-shim. Sourced it gives
# image_command; run as a program it does the same for its arguments.
#
#   image_command build [--package=NAME|FILE.deb] [--system] [--alias=ALIAS]
#   image_command import-oci SOURCE [--alias=ALIAS] [-- COMMAND [ARG]...]
#
# Both leave an image under ALIAS in the Incus that `incus` talks to. What can be used again is
# kept below BUILD: of a checkout its build/, else the user's cache.

# Sourced: of who says where it is (top, the tree's).
lib=${lib:-${top:+$top/hooks/lib}}
lib=${lib:-$(CDPATH='' cd "$(dirname "$0")" && pwd)}
if [ -z "${BUILD:-}" ]; then
	if [ -e "$lib/../../Makefile" ]; then
		BUILD=$(CDPATH='' cd "$lib/../.." && pwd)/build
	elif [ "$(id -u)" = 0 ]; then
		BUILD=/var/cache/stremio-shim
	else
		BUILD=${XDG_CACHE_HOME:-${HOME:?}/.cache}/stremio-shim
	fi
fi
# shellcheck source=hooks/lib/packages.sh
. "$lib/packages.sh"
# shellcheck source=hooks/lib/image.sh
. "$lib/image.sh"
# shellcheck source=hooks/lib/sandbox.sh
. "$lib/sandbox.sh"
# shellcheck source=hooks/lib/oci.sh
. "$lib/oci.sh"

image_usage() {
	cat <<-'END'
	usage: image build [--package=NAME|FILE.deb] [--system] [--alias=ALIAS]
	       image import-oci SOURCE [--alias=ALIAS] [-- COMMAND [ARG]...]

	build       a Debian system with the application package, from this machine's mirror;
	            without --package mpv with a test clip; --system: with systemd, which stays
	            the init of a full system container
	import-oci  SOURCE is a FILE of docker save, podman save or an OCI archive, oci:DIR[:TAG],
	            oci-archive:FILE[:REF] or docker-archive:FILE[:REF]; COMMAND takes the place
	            of the image's entrypoint and command
	END
}

image_misused() {
	echo "image: $* (stremio-incus image --help)" >&2
	return 64
}

# The shim that goes into images: IMAGE_SHIM, of the build, else the installed one.
image_shim() {
	for s in ${IMAGE_SHIM:+"$IMAGE_SHIM"} "$BUILD/stremio-shim" "$lib/../guest/stremio-shim"; do
		[ ! -x "$s" ] || { echo "$s"; return 0; }
	done
	echo 'image: no stremio-shim to put into the image (make && make install)' >&2
	return 1
}

# An alias that names a remote, an option or a project would go somewhere else.
image_alias_ok() {
	case $1 in
	''|-*|*[!A-Za-z0-9._-]*)
		image_misused "--alias=$1: letters, digits, '.', '_' and '-' only" ;;
	esac
}

# Of stremio-incus: as its other verbs do, with the reason, and the end.
image_need_incus() {
	if command -v incus_ready > /dev/null; then
		incus_ready
		return
	fi
	incus query /1.0 > /dev/null 2>&1 || {
		echo 'image: Incus does not answer (is it running, and are you in the group incus-admin?)' >&2
		return 1
	}
}

image_build() {
	alias=stremio package='' system=
	for word in "$@"; do
		case $word in
		--package=?*) package=${word#*=} ;;
		--alias=*) alias=${word#*=} ;;
		--system) system=1 ;;
		*) image_misused "build: $word: not known" || return ;;
		esac
	done
	image_alias_ok "$alias" || return
	[ -z "$system" ] || [ -n "$package" ] || {
		image_misused 'build: --system needs a --package' || return
	}
	case $package in
	'') set -- media ;;
	*.deb)
		[ -r "$package" ] || {
			echo "image: $package: cannot be read" >&2
			return 1
		}
		set -- package "$package" ;;
	*[!a-z0-9.+-]*|[!a-z0-9]*) image_misused "--package=$package: neither a package's name nor a .deb file" || return ;;
	*) set -- package "$package" ;;
	esac
	image_need_incus && packages_install image >&2 || return 1
	IMAGE_SHIM=$(image_shim) || return 1
	IMAGE_SYSTEM=$system
	export IMAGE_SHIM IMAGE_SYSTEM
	case $1 in
	media) file=$(image_media "$BUILD/images") ;;
	package) file=$(image_package "$BUILD/images" "$2") ;;
	esac || return 1
	image_give "$file" "$alias"
}

image_give() {
	image_import "$1" "$2" || {
		echo 'image: Incus does not take the image (its line above says why)' >&2
		return 1
	}
	[ "${quiet:-0}" = 1 ] || echo "image: $2"
}

image_import_oci() {
	alias='' source=''
	while [ $# -gt 0 ]; do
		case $1 in
		--) shift; break ;;
		--alias=*) alias=${1#*=} ;;
		-*) image_misused "import-oci: $1: not known" || return ;;
		*)
			[ -z "$source" ] || { image_misused "import-oci: $1: one image at a time" || return; }
			source=$1 ;;
		esac
		shift
	done
	[ -n "$source" ] || { image_misused 'import-oci: SOURCE is missing' || return; }
	if [ -z "$alias" ]; then
		alias=${source#*:}
		alias=${alias##*/}
		alias=$(printf '%s' "${alias%%[.:]*}" | tr -c 'A-Za-z0-9_-' '-')
	fi
	image_alias_ok "$alias" || return
	image_need_incus && packages_install oci >&2 || return 1
	IMAGE_SHIM=$(image_shim) || return 1
	file=$(oci_image "$BUILD/images" "$source" "$@") || return 1
	image_give "$file" "$alias"
}

image_command() {
	case ${1:-} in
	build) shift; image_build "$@" ;;
	import-oci) shift; image_import_oci "$@" ;;
	-h|--help|help) image_usage ;;
	'') image_misused 'build or import-oci' ;;
	*) image_misused "$1: not known" ;;
	esac
}

if [ "${0##*/}" = image-cmd.sh ]; then
	set -eu
	image_command "$@"
fi
