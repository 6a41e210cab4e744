#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# OCI and Docker images made into Incus images that run under stremio-shim. For sourcing, after
# image.sh and sandbox.sh.
#
#   oci_image DIR SOURCE [COMMAND [ARG]...]
#
# prints the base name of an image as image.sh's functions do, made once for the same SOURCE,
# COMMAND and IMAGE_SHIM, the shim that goes in. Returns 1 after one line on stderr that says why.
#
# SOURCE is a FILE (docker save, podman save, an OCI archive), oci:DIR[:TAG], oci-archive:FILE[:REF]
# or docker-archive:FILE[:REF]. What the image says of entrypoint, command, environment, directory
# and user becomes /etc/stremio-shim.args; COMMAND takes the place of entrypoint and command. The
# program IMAGE_SHIM, and a stremio-probe beside it, go into /opt/stremio-shim, with /sbin/init pointing
# there.
#
# The archive may be hostile: skopeo, umoci, jq and mksquashfs see it in a sandbox only, and nothing
# in the image is executed or walked from outside of it. Our own files are put in as further
# layers, because umoci resolves their paths inside the image.

: "${lib:?}" "${sandbox_reserve:?}"

oci_fail() {
	[ ! -e "${w:-/nowhere}/full" ] ||
		set -- "$oci_shown: no space left: less than $sandbox_reserve MiB would remain in ${w%/*} (TMPDIR=DIRECTORY unpacks elsewhere)"
	echo "image: import-oci: $*" >&2
	exit 1
}

# What came from an image is shown on a terminal: printable characters of it only.
oci_clean() {
	tr '\n' ' ' | tr -c '[:print:]' '?' | cut -c1-300
}

# skopeo and podman say amd64 where uname says x86_64.
oci_arch() {
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}

# The names of the images in there, on one line.
oci_names() {
	case $oci_kind in
	docker-archive)
		sandbox tar -xOf in manifest.json | sandbox jq -r '.[].RepoTags[]?' ;;
	oci-archive)
		sandbox tar -xOf in index.json |
			sandbox jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"] // empty' ;;
	oci)
		sandbox jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"] // empty' \
			in/index.json ;;
	esac 2> /dev/null | head -n 20 | oci_clean
}

# One clear line for what the tools say at length. usage: oci_failed TOOL
# What they say of a full disk may have found no room on it.
oci_failed() {
	said=$(cat "$w/log")
	[ "$(stat -f -c %a "$w")" != 0 ] || said="no space left: $said"
	why=$(tail -n 1 "$w/log" | sed 's/^.*level=[a-z]* msg="\(.*\)"$/\1/; s/\\"/"/g' | oci_clean)
	case $said in
	*'no space left'*|*'No space left'*|*'File too large'*|*'file too large'*)
		oci_fail "no space left in ${w%/*} (TMPDIR=DIRECTORY unpacks elsewhere)" ;;
	*'no image found in manifest list'*|*'no image found in image index'*)
		oci_fail "$oci_shown: holds no image for this machine (build it for linux/$(oci_arch))" ;;
	*'no descriptor found for reference'*|*'" not found'*)
		oci_fail "$oci_shown: no image $oci_ref in it (there: $(oci_names))" ;;
	*'more than one image'*|*'one image in'*)
		oci_fail "$oci_shown: more than one image in it, say which (there: $(oci_names))" ;;
	*zstd*)
		oci_fail "$oci_shown: layers compressed by zstd, which umoci does not read (save it with gzip)" ;;
	*'operation not permitted'*)
		oci_fail "$oci_shown: holds what a container may not have: $why" ;;
	*) oci_fail "$oci_shown: $1: $why" ;;
	esac
}

# Kind, path and reference of SOURCE. A colon may also be part of a file's name.
oci_source() {
	oci_kind='' oci_ref='' oci_path=$1
	case $1 in
	oci:*|oci-archive:*|docker-archive:*)
		oci_kind=${1%%:*}
		oci_path=${1#*:}
		if [ ! -e "$oci_path" ]; then
			case ${oci_path##*/} in
			*:*)
				# In the last component: REF of an archive has colons itself.
				oci_ref=${oci_path##*/}
				oci_ref=${oci_ref#*:}
				oci_path=${oci_path%":$oci_ref"} ;;
			esac
		fi
		# docker-archive:FILE:host/name:tag
		while [ ! -e "$oci_path" ]; do
			case $oci_path in
			*:*) ;;
			*) break ;;
			esac
			oci_ref=${oci_path##*:}${oci_ref:+:$oci_ref}
			oci_path=${oci_path%:*}
		done ;;
	esac
	oci_shown=$(printf '%s' "$oci_path" | oci_clean)
	[ -e "$oci_path" ] || oci_fail "$oci_shown: no such file (FILE, oci:DIR[:TAG] or docker-archive:FILE[:REF])"
	[ -r "$oci_path" ] || oci_fail "$oci_shown: cannot be read (as user $(id -un))"
	[ -n "$oci_kind" ] || [ ! -d "$oci_path" ] || oci_kind=oci
	case $oci_kind in
	oci) [ -f "$oci_path/oci-layout" ] || oci_fail "$oci_shown: not an OCI layout (a directory with oci-layout in it)" ;;
	*) [ -f "$oci_path" ] || oci_fail "$oci_shown: not a file" ;;
	esac
}

# What a FILE is. `docker save` of today writes both formats into one.
oci_detect() {
	[ "$oci_kind" != oci ] || return 0
	names=$(sandbox tar -tf in 2> "$w/log" | grep -xE '(\./)?(manifest\.json|oci-layout)') || :
	case $oci_kind:$names in
	oci-archive:*oci-layout*|docker-archive:*manifest.json*) ;;
	:*manifest.json*) oci_kind=docker-archive ;;
	:*oci-layout*) oci_kind=oci-archive ;;
	*) oci_fail "$oci_shown: not an OCI or Docker image (make one with docker save, podman save or skopeo copy)" ;;
	esac
}

# The text of /etc/stremio-shim.args from the image's configuration. The shim reads one word a
# line, and none that is empty or begins with #. Root is not carried over: who wants it says
# environment.STREMIO_USER=root. Landlock must let the image's directory be read.
# shellcheck disable=SC2016
oci_args_program='
def one_line(what):
	if . == "" or test("[\n\u0000]") or startswith("#")
	then error("\(what) has a word that is empty, begins with # or has several lines: give a COMMAND after --, for example a script in the image")
	else . end;
.config // {} |
((.Entrypoint // []) + (.Cmd // [])) as $own |
(if $ARGS.positional != [] then $ARGS.positional else $own end) as $words |
if $words == [] then error("the image has neither entrypoint nor command: give a COMMAND after --") else . end |
((.Env // []) | map(select(test("^[^=\n]+=")))) as $env |
if ($env | length) > 64 then error("more than 64 variables") else . end |
(.User // "") as $user | (.WorkingDir // "") as $cwd |
(if $user == "" or ($user | test("^(root|0+)(:|$)")) then [] else ["--user=\($user)"] end) +
($env | map("--env=" + .)) +
(if $cwd == "" or $cwd == "/" then []
 elif $cwd | test("^/(usr|app|opt|bin|lib|tmp|home|run|etc|proc|sys|dev|var/(lib|tmp|cache))(/|$)") then ["--cwd=\($cwd)"]
 else ["--cwd=\($cwd)", "--ro=\($cwd)"] end) +
(if $words[0] | test("(^|/)stremio-shim$") then $words[1:] else ["--"] + $words end) |
map(one_line("the command line or environment")) | join("\n") |
if length > 65000 then error("command line and environment are longer than 64 KiB") else . end'

oci_config() {
	sandbox skopeo --insecure-policy inspect --config oci:layout:image > "$w/config.json" \
		2> "$w/log" < /dev/null || oci_failed skopeo
	platform=$(sandbox jq -r '"\(.os)/\(.architecture)"' config.json 2> "$w/log") || oci_failed jq
	[ "$platform" = "linux/$(oci_arch)" ] ||
		oci_fail "$oci_shown: an image for $(printf %s "$platform" | oci_clean), this machine is linux/$(oci_arch) (docker build --platform, skopeo --override-arch)"
	# -- for jq, which would take a word of the command that begins with - for an option of its own.
	sandbox jq -r "$oci_args_program" config.json --args -- "$@" > "$w/args" 2> "$w/log" ||
		oci_fail "$oci_shown: $(sed 's/^jq: error ([^)]*): //' "$w/log" | oci_clean)"
	# shellcheck disable=SC2016
	asked=$(sandbox jq -r '((.config.Entrypoint // []) + (.config.Cmd // [])) as $words |
		if ($words[0] // "") | test("(^|/)stremio-shim$") then
			[label $command | $words[1:][] |
			 if startswith("-") and . != "--" then . else break $command end] | join(" ")
		else empty end' config.json < /dev/null | oci_clean)
	[ $# != 0 ] || [ -z "$asked" ] ||
		echo "image: the image sets options of the shim itself: $asked" >&2
	sandbox jq -e '.config.User // "" | test("^(root|0+)?(:|$)") | not' config.json > /dev/null 2>&1 ||
		echo "image: the image's user is root: it will run as stremio, nonroot, uid 1000 or 65532 (environment.STREMIO_USER chooses)" >&2
}

# A layer of our own files. It names no directories: those that are there stay as they are, /sbin
# often as a link to usr/sbin.
oci_layer() {
	mkdir -p "$w/ours/etc" "$w/ours/sbin" "$w/ours/opt/stremio-shim" &&
		mv "$w/args" "$w/ours/etc/stremio-shim.args" &&
		mv "$w"/stremio-* "$w/ours/opt/stremio-shim/" &&
		ln -s /opt/stremio-shim/stremio-shim "$w/ours/sbin/init" &&
		chmod 644 "$w/ours/etc/stremio-shim.args" &&
		( cd "$w/ours" && tar --owner=0 --group=0 -cf - etc/stremio-shim.args sbin/init \
			opt/stremio-shim/* ) > "$w/layer.tar" &&
		sandbox_give "$w/layer.tar"
}

oci_unpack() {
	oci_layer 2> "$w/log" || oci_failed tar
	sandbox umoci raw add-layer --image layout:image layer.tar > "$w/log" 2>&1 < /dev/null ||
		oci_failed umoci
	sandbox umoci unpack --image layout:image bundle > "$w/log" 2>&1 < /dev/null ||
		oci_failed umoci
	sandbox mksquashfs bundle/rootfs image.squashfs -noappend -quiet -no-progress \
		-comp zstd -Xcompression-level 1 > "$w/log" 2>&1 < /dev/null || oci_failed mksquashfs
}

# What SOURCE is known by: an OCI layout names all that it holds by its hash.
oci_key() {
	if [ "$oci_kind" = oci ]; then
		cat "$oci_path/index.json"
	else
		sha256sum < "$oci_path"
	fi
}

oci_image() (
	oci_dir=$1
	oci_source "$2"
	shift 2
	file=$({
		oci_key && printf '%s\n' "$oci_kind" "$oci_ref" "$@" && cat "$lib/oci.sh" "$lib/sandbox.sh"
	} | image_name "$oci_dir" oci) || oci_fail "$oci_shown: cannot be read"
	if image_there "$file"; then
		image_tell "reusing ${file##*/}"
		echo "$file"
		exit
	fi
	umask 022
	w=$(mktemp -d "${TMPDIR:-/var/tmp}/stremio-image.XXXXXX") ||
		oci_fail "cannot make a directory in ${TMPDIR:-/var/tmp}"
	trap 'sandbox_close "$w"' EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	image_tell "reading $oci_shown"
	# A copy of its own: the tools run as a user who may not read the original, and it stays as
	# it is meanwhile. Of a layout only files: a device node would become the tools' own.
	if ! { cp -RH --no-preserve=mode,ownership --reflink=auto -- "$oci_path" "$w/in" &&
		find "$w/in" ! -type f ! -type d -exec rm -f {} + &&
		cp "$IMAGE_SHIM" "$w/stremio-shim" &&
		{ [ ! -e "${IMAGE_SHIM%/*}/stremio-probe" ] || cp "${IMAGE_SHIM%/*}/stremio-probe" "$w/"; }
	} 2> "$w/log"; then
		oci_failed cp
	fi
	chmod 755 "$w"/stremio-*
	sandbox_open "$w" || exit 1
	oci_detect
	sandbox skopeo --insecure-policy --tmpdir . copy -q \
		"$oci_kind:in${oci_ref:+:$oci_ref}" oci:layout:image > "$w/log" 2>&1 < /dev/null ||
		oci_failed skopeo
	# The layers are in the layout now.
	sandbox rm -rf in
	oci_config "$@"
	image_tell 'unpacking and packing'
	oci_unpack
	# A copy: the other ids of the range may not keep a file of this user's open for writing.
	{ image_meta "$w/image" 'OCI image for stremio-shim' &&
		cat "$w/image.squashfs" > "$file.new" &&
		mv "$w/image.meta.tar" "$file.meta.tar" && mv "$file.new" "$file.squashfs"; } ||
		oci_fail "no space left in ${w%/*} or $oci_dir"
	echo "$file"
)
