#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # RIG, BUILD and top are the tier's
#
# image import-oci: images of other tools become instances, and bad ones a line that says why.

# An image without shell, as OCI layout $RIG/oci with tag t. Made once for all tests.
oci_layout() {
	[ ! -d "$RIG/oci" ] || return 0
	packages_install oci build > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	musl-gcc -static -Os -o "$RIG/teller" "$top/tests/incus/teller.c" || die 'teller.c'
	mkdir -p "$RIG/work"
	{
		umoci init --layout "$RIG/oci.new" && umoci new --image "$RIG/oci.new:t" &&
		umoci insert --image "$RIG/oci.new:t" "$RIG/teller" /app/teller &&
		umoci insert --image "$RIG/oci.new:t" "$RIG/work" /srv/data &&
		umoci config --image "$RIG/oci.new:t" --config.user 4242:4343 \
			--config.env 'GREETING=a b;c=d' --config.env COLOUR=image \
			--config.env PATH=/app:/bin --config.workingdir /srv/data \
			--config.entrypoint teller --config.cmd one --config.cmd 'two words'
	} > "$RIG/out" 2>&1 < /dev/null || die "umoci: $(tail -n 1 "$RIG/out")"
	mv "$RIG/oci.new" "$RIG/oci"
}

# layout NAME: a copy of it to change.
layout() {
	oci_layout
	rm -rf "${RIG:?}/$1"
	cp -r "$RIG/oci" "$RIG/$1"
}

import_oci() {
	env IMAGE_SHIM="$BUILD/stremio-shim" BUILD="$RIG/cache" TMPDIR="${scratch:-$RIG}" \
		sh "$top/hooks/lib/image-cmd.sh" import-oci "$@" < /dev/null > "$RIG/imported" 2>&1
}

imports() {
	import_oci "$@" || die "$(tail -n 1 "$RIG/imported")"
	leaves_nothing
}

# refused PATTERN ARG...: status 1, one line like that, nothing left.
refused() {
	pattern=$1
	shift
	! import_oci "$@" || die "it was taken: $*"
	grep -v '^image: \(reading\|unpacking\)' "$RIG/imported" > "$RIG/line"
	[ "$(wc -l < "$RIG/line")" = 1 ] || die "more than one line: $(head -c 300 "$RIG/line")"
	grep -q -- "^image: .*$pattern" "$RIG/line" || die "the line is: $(cat "$RIG/line")"
	leaves_nothing
}

leaves_nothing() {
	for left in "${scratch:-$RIG}"/stremio-image.*; do
		[ ! -e "$left" ] || die "$left is left behind"
	done
}

# launch IMAGE NAME [OPTION]...
launch() {
	image=$1 inst=$2
	shift 2
	incus init "$image" "$inst" "$@" < /dev/null > "$RIG/out" 2>&1 ||
		die "incus init: $(grep -m1 Error "$RIG/out")"
}

# Of a running instance Incus gives each piece of the log once.
has_told() {
	said "$1" >> "$RIG/told"
	grep -qx told "$RIG/told"
}
tells() {
	: > "$RIG/told"
	until_true 10 has_told "$1" || die "it tells nothing: $(tail -n 2 "$RIG/told")"
}
told() {
	for line in "$@"; do
		grep -qxF -- "$line" "$RIG/told" || die "no line '$line': $(tr '\n' '|' < "$RIG/told")"
	done
}

test_a_distroless_oci_image_runs_as_its_author_meant() {
	oci_layout
	imports "oci:$RIG/oci:t" --alias=hello
	launch hello h --no-profiles --profile stremio
	incus config set h environment.COLOUR=instance
	start h
	tells h
	told 'arg 0 teller' 'arg 1 one' 'arg 2 two words' 'id 4242:4343' 'cwd /srv/data' \
		'env GREETING=a b;c=d' 'env PATH=/app:/bin' 'env COLOUR=instance'
	until_true 10 is_ready h || die "state $(state h)"
	stop h
	ended_with h 143
}

# only_its_users NAME DAEMON FILE: for 4242:4343 alone, as the host sees it.
only_its_users() {
	pid=$(incus query "/1.0/instances/$1/state" | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
	# shellcheck disable=SC2046 # first inside, first outside, how many
	set -- "$2" "/proc/$pid/root/$3" $(incusd_enter "$2" cat "/proc/$pid/uid_map")
	mode=$(incusd_enter "$1" stat -c '%a %u %g' "$2")
	[ "$mode" = "600 $(($4 + 4242)) $(($4 + 4343))" ] || die "the cookie is $mode, the map begins at $4"
}

# The keyboard is behind that cookie, and an imported image may have users of its own.
test_the_cookie_of_an_imported_image_is_its_own_users() {
	oci_layout
	imports "oci:$RIG/oci:t" --alias=hello
	session_up
	host_ok launch one --image=hello --no-self-test
	push "$RIG/xclient" one/xclient --mode 0755
	only_its_users one "$RIG/incus" var/lib/stremio-shim/Xauthority
	answer=$(answered incus exec one --user 4242 --group 4343 -- /xclient 2>&1 < /dev/null)
	[ "$answer" = ok ] || die "its user: $answer"
	answer=$(incus exec one --user 4343 --group 4343 -- /xclient 2>&1 < /dev/null)
	[ "$answer" != ok ] || die 'another user in there is let in'
}

# What Incus with OCI support of its own looks for, and what there is without our profile.
test_an_imported_image_has_the_shim_as_its_init() {
	oci_layout
	skopeo --insecure-policy copy -q "oci:$RIG/oci:t" "docker-archive:$RIG/saved.tar:stremio:one" \
		> "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	imports "$RIG/saved.tar" --alias=saved
	launch saved s
	start s
	tells s
	told 'id 4242:4343' 'cwd /srv/data' 'arg 2 two words'
	pid=$(incus query /1.0/instances/s/state | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
	in_daemon cmp "/proc/$pid/exe" "$BUILD/stremio-shim" || die 'PID 1 is another program'
	stop s
	rm "$RIG/saved.tar"
}

test_a_command_takes_the_place_of_the_entrypoint_and_root_is_not_carried_over() {
	layout root
	umoci config --image "$RIG/root:t" --config.user 0:0 > /dev/null || die umoci
	# Whatever its words look like: options of the program that reads the image's configuration, too.
	imports "oci:$RIG/root:t" --alias=root -- /app/teller instead -c --fs --version --
	grep -q "user is root" "$RIG/imported" || die 'not a word about it'
	launch root r
	start r
	tells r
	told 'arg 1 instead' 'arg 2 -c' 'arg 3 --fs' 'arg 4 --version' 'arg 5 --' 'id 65532:65532'
	! grep -q '^arg . two words' "$RIG/told" || die 'the old command is there, too'
}

# After `make install` there is no shim of a build's beside the scripts.
test_an_installed_stremio_incus_finds_the_shim_for_images() {
	oci_layout
	session_up
	BUILD=$RIG/cache TMPDIR=$RIG "$RIG/usr/bin/stremio-incus" image import-oci "oci:$RIG/oci:t" \
		--alias=installed --quiet > "$RIG/imported" 2>&1 < /dev/null || die "$(tail -n 1 "$RIG/imported")"
	[ ! -s "$RIG/imported" ] || die "--quiet: $(cat "$RIG/imported")"
	launch installed i --no-profiles --profile stremio
	start i
	tells i
	told 'id 4242:4343'
}

# Whose PATH is without /usr/sbin.
test_an_ordinary_user_imports_an_image() {
	oci_layout
	session_up
	trap 'rm -rf "$RIG/etc"; session_down' EXIT
	mkdir "$RIG/etc"
	{ cat /etc/passwd; echo "viewer:x:$USER_ID:$USER_ID::/home:/bin/sh"; } > "$RIG/etc/passwd"
	echo viewer:3000000000:65536 | tee "$RIG/etc/subuid" > "$RIG/etc/subgid"
	cp -r "$RIG/oci" "$session/oci"
	chown -R "$USER_ID" "$session/oci"
	host_ok image import-oci oci:/home/oci:t --alias=users
	launch users u --no-profiles --profile stremio
	start u
	tells u
	told 'id 4242:4343'
}

# An image may have several names, and a name may begin as another's fingerprint does.
test_an_import_takes_no_other_image_away() {
	oci_layout
	imports "oci:$RIG/oci:t" --alias=mine
	imports "oci:$RIG/oci:t" --alias=yours
	first=$(image_aliases | awk -F, '$1 == "busybox" { print substr($2, 1, 4) }')
	imports "oci:$RIG/oci:t" --alias="$first"
	imports "oci:$RIG/oci:t" --alias=yours -- /app/teller other
	for name in busybox mine yours "$first"; do
		incus query "/1.0/images/aliases/$name" > "$RIG/out" 2>&1 || die "$name: $(cat "$RIG/out")"
	done
	[ "$(image_aliases | awk -F, '$1 == "mine" || $1 == "yours" { print $2 }' | sort -u | wc -l)" = 2 ] ||
		die "$(image_aliases)"
	# Of that project, not of the one where it is already.
	incus project create other -c features.images=true -c features.profiles=false > /dev/null || die project
	trap '{ incus image delete yours --project other; incus project delete other; } > /dev/null 2>&1' EXIT
	INCUS_PROJECT=other imports "oci:$RIG/oci:t" --alias=yours -- /app/teller other
	incus query '/1.0/images/aliases/yours?project=other' > "$RIG/out" 2>&1 || die "$(cat "$RIG/out")"
	for image in $(image_aliases | sed -n 's/^\(mine\|yours\),//p' | sort -u); do
		incus image delete "$image" > /dev/null || die "$image cannot be removed"
	done
}

test_image_says_in_one_line_what_is_wrong() {
	rc=0
	INCUS_DIR=$RIG/nowhere "$top/hooks/stremio-incus" image build > "$RIG/line" 2>&1 || rc=$?
	[ $rc = 69 ] || die "status $rc: $(cat "$RIG/line")"
	for words in bogus 'build --bogus' 'import-oci' 'build --alias=a/b'; do
		rc=0
		# shellcheck disable=SC2086
		"$top/hooks/stremio-incus" image $words > "$RIG/line" 2>&1 || rc=$?
		[ $rc = 64 ] || die "$words: status $rc"
		[ "$(wc -l < "$RIG/line")" = 1 ] || die "$words: $(cat "$RIG/line")"
	done
	"$top/hooks/stremio-incus" image build --dry-run > "$RIG/line" 2>&1 || die "--dry-run: $(cat "$RIG/line")"
	grep -q 'image-cmd.sh build$' "$RIG/line" || die "--dry-run: $(cat "$RIG/line")"
}

# Whoever made the image has a say in how it is confined; whoever imports it is told what he says.
test_options_that_an_image_gives_to_the_shim_are_told() {
	layout own
	umoci config --image "$RIG/own:t" --config.entrypoint /opt/stremio-shim/stremio-shim \
		--config.entrypoint --policy=none --config.entrypoint --env=A=B --config.entrypoint -- \
		--config.entrypoint /app/teller --config.entrypoint --policy=server > /dev/null || die umoci
	imports "oci:$RIG/own:t" --alias=own
	grep -qx 'image: the image sets options of the shim itself: --policy=none --env=A=B ' "$RIG/imported" ||
		die "$(cat "$RIG/imported")"
	[ "$(wc -l < "$RIG/imported")" = 4 ] || die "it says more: $(cat "$RIG/imported")"
}

# `make run` with an image of somebody's: a window, without shell or libraries in the image.
test_run_shows_an_image_of_another_tool() {
	layout window
	musl-gcc -static -Os -o "$RIG/painter" "$top/tests/incus/painter.c" || die 'painter.c'
	{
		umoci insert --image "$RIG/window:t" "$RIG/painter" /app/painter &&
		umoci config --image "$RIG/window:t" --clear=config.cmd --config.entrypoint /app/painter
	} > "$RIG/out" 2>&1 < /dev/null || die "umoci: $(tail -n 1 "$RIG/out")"
	tar -C "$RIG/window" -cf "$RIG/window.tar" .
	run_demo APP="$RIG/window.tar" KEEP=1 || die "$(tail -n 1 "$RIG/demo")"
	( incusd_env "$BUILD/incus" && only_its_users stremio-run "$BUILD/incus" var/lib/stremio-shim/Xauthority )
	rc=$?
	env -u INCUS_DIR -u INCUS_CONF BUILD="$BUILD" sh "$top/hooks/run.sh" stop || die 'stop failed'
	[ $rc = 0 ] || exit 1
	for line in 'picture: [0-9]* colours' 'user id  *4242 ' 'no_new_privs  *1 '; do
		grep -q "$line" "$RIG/demo" || die "no line: $line"
	done
	# As Stremio it is one whose web view is dead.
	run_demo KEEP=1 WAIT=5 STREMIO="$RIG/window.tar"
	rc=$?
	env -u INCUS_DIR -u INCUS_CONF BUILD="$BUILD" sh "$top/hooks/run.sh" stop || die 'stop failed'
	[ $rc = 1 ] || die "a picture is enough to be Stremio: exit $rc"
	grep -q '^run: no web view: after 5 s' "$RIG/demo" || die "$(tail -n 1 "$RIG/demo")"
	tail -n 1 "$RIG/demo" | grep -q 'left running' || die 'not a word of what is left'
}

# On the disk, as the daemon sees it: what umoci made of the layers.
test_whiteouts_links_owners_and_attributes_are_kept() {
	layout layers
	mkdir -p "$RIG/tree/dir"
	echo x > "$RIG/tree/dir/gone"
	echo y > "$RIG/tree/one"
	cp "$RIG/teller" "$RIG/tree/plain"
	ln "$RIG/tree/one" "$RIG/tree/two"
	chown 4242:4343 "$RIG/tree/one"
	chmod 4755 "$RIG/tree/one"
	# cap_net_raw=ep, revision 2 (linux/capability.h).
	python3 -c 'import os, sys
os.setxattr(sys.argv[1], "security.capability", bytes.fromhex("0100000200200000" + 24 * "0"))' \
		"$RIG/tree/plain" || die 'cannot give a file capability here'
	umoci insert --image "$RIG/layers:t" "$RIG/tree" /tree > "$RIG/out" 2>&1 || die umoci
	umoci insert --image "$RIG/layers:t" --whiteout /tree/dir/gone > "$RIG/out" 2>&1 || die umoci
	imports "oci:$RIG/layers:t" --alias=layers
	launch layers l
	rm -rf "$RIG/tree"
	start l
	tells l
	pid=$(incus query /1.0/instances/l/state | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
	root=/proc/$pid/root/tree
	in_daemon test -d "$root/dir" || die 'the directory is missing'
	! in_daemon test -e "$root/dir/gone" || die 'the whiteout did not take'
	[ "$(in_daemon stat -c '%h %a' "$root/two")" = '2 4755' ] || die 'link or mode is lost'
	# shellcheck disable=SC2046 # first inside, first outside, how many
	set -- $(in_daemon cat "/proc/$pid/uid_map")
	[ "$(in_daemon stat -c %u "$root/two")" = $(($2 + 4242)) ] || die 'the owner is lost'
	in_daemon python3 -c 'import os, sys
sys.exit(os.getxattr(sys.argv[1], "security.capability")[4:8] != bytes.fromhex("00200000"))' \
		"$root/plain" || die 'the file capability is lost'
}

test_a_hostile_archive_writes_nowhere_else() {
	layout hostile
	mkdir "$RIG/victim"
	chmod 777 "$RIG/victim"
	python3 "$top/tests/incus/hostile_layer.py" "$RIG/hostile" t "$RIG/victim" || die 'hostile_layer.py'
	imports "oci:$RIG/hostile:t" --alias=hostile
	[ -z "$(find "$RIG/victim" -mindepth 1)" ] || die "written: $(find "$RIG/victim" -mindepth 1)"
	for place in /tmp/stremio-escaped /stremio-escaped /stremio-escaped-absolute; do
		[ ! -e "$place" ] || die "written: $place"
	done
	# What it put in place of /etc, /sbin and /opt are links inside, and our files are there.
	launch hostile evil
	start evil
	tells evil
	told 'arg 2 two words' 'id 4242:4343'
	# No passwd(5) of the host, by a hard link that climbs out.
	layout hostile
	python3 "$top/tests/incus/hostile_layer.py" "$RIG/hostile" t --link || die 'hostile_layer.py'
	refused 'hard: link: no such file' "oci:$RIG/hostile:t"
}

# umoci, which may not make them, puts empty files in their places.
test_device_nodes_of_an_image_do_not_arrive() {
	layout nodes
	python3 "$top/tests/incus/hostile_layer.py" "$RIG/nodes" t --device || die 'hostile_layer.py'
	imports "oci:$RIG/nodes:t" --alias=nodes
	launch nodes n
	start n
	tells n
	pid=$(incus query /1.0/instances/n/state | sed -n 's/.*"pid": \([0-9]*\).*/\1/p')
	for node in "/proc/$pid/root/srv/mem" "/proc/$pid/root/srv/disk"; do
		[ "$(in_daemon stat -c %F "$node")" = 'regular empty file' ] ||
			die "$node: $(in_daemon stat -c %F "$node")"
	done
}

test_images_that_cannot_be_used_are_refused_in_one_line() {
	oci_layout
	refused 'no such file' "$RIG/nowhere"
	refused 'not an OCI layout' "$RIG/guest"
	refused 'not an OCI or Docker image' "$RIG/teller"
	refused 'no image nope in it (there: t' "oci:$RIG/oci:nope"
	tar -C "$RIG/oci" -cf "$RIG/oci.tar" .
	head -c 9000 "$RIG/oci.tar" > "$RIG/cut.tar"
	refused 'oci' "$RIG/cut.tar"
	rm "$RIG/oci.tar" "$RIG/cut.tar"
	layout bad
	umoci tag --image "$RIG/bad:t" other > /dev/null
	refused 'more than one image in it, say which (there: t other' "oci:$RIG/bad"
	layout bad
	umoci config --image "$RIG/bad:t" --clear=config.entrypoint --clear=config.cmd > /dev/null
	refused 'neither entrypoint nor command' "oci:$RIG/bad:t"
	umoci config --image "$RIG/bad:t" --config.entrypoint "/app/teller
--user=root" > /dev/null
	refused 'several lines' "oci:$RIG/bad:t"
	umoci config --image "$RIG/bad:t" --architecture s390x > /dev/null
	refused 'an image for linux/s390x, this machine is linux/' "oci:$RIG/bad:t"
}

test_a_full_disk_is_said_and_nothing_is_left() {
	oci_layout
	mkdir -p "$RIG/small"
	mount -t tmpfs -o size=256k none "$RIG/small" || die 'tmpfs'
	scratch=$RIG/small
	( refused 'no space left' "oci:$RIG/oci:t" --alias=full -- /app/teller full ) > "$RIG/full" 2>&1
	r=$?
	umount "$RIG/small"
	[ $r = 0 ] || die "$(tail -n 1 "$RIG/full")"
}

# sandboxed SIZE COMMAND...: in the sandbox, on a disk of that size. Its status.
sandboxed() {
	mkdir -p "$RIG/small"
	mount -t tmpfs -o "size=$1" none "$RIG/small" || die 'tmpfs'
	shift
	(
		. "$top/hooks/lib/sandbox.sh"
		mkdir -m 700 "$RIG/small/box"
		trap 'sandbox_close "$RIG/small/box"' EXIT
		sandbox_open "$RIG/small/box" || exit 99
		sandbox "$@"
		status=$?
		[ ! -e "$RIG/small/box/full" ] || echo 'ended: full'
		exit $status
	) < /dev/null
	r=$?
	umount "$RIG/small" || die 'something of the sandbox is left'
	return $r
}

test_what_unpacks_images_reaches_nothing_of_the_host() {
	# shellcheck disable=SC2016
	sandboxed 300m sh -c '
		for there in /tmp /var /home /root /run /dev/mem /dev/shm /sys; do
			[ ! -e "$there" ] || echo "$there is there"
		done
		cat /etc/shadow && echo "/etc/shadow can be read"
		for place in / /usr /usr/bin /etc /dev; do
			touch "$place/x" && echo "$place can be written"
		done
		[ "$(grep -c : /proc/net/dev)" = 1 ] || echo "it has a network"
		grep -q "^NoNewPrivs:.1" /proc/self/status || echo "it can gain privileges"
		mount -t tmpfs none /usr && echo "it can mount"
		mknod null c 1 3 && echo "it can make device nodes"
		touch mine && chown 4242:4343 mine || echo "it cannot do its work"
		[ "$(stat -c %u:%g mine)" = 4242:4343 ] || echo "it cannot give files away"
	' > "$RIG/reached" 2> /dev/null || die "status $?"
	[ ! -s "$RIG/reached" ] || die "$(tr '\n' ',' < "$RIG/reached")"
}

test_what_unpacks_images_is_ended_before_the_disk_is_full() {
	# 79 MB, then time enough to be noticed.
	sandboxed 300m sh -c 'seq 10000000 > bomb; sleep 60' > "$RIG/bomb" && die 'it was left running'
	grep -qx 'ended: full' "$RIG/bomb" || die "it ended otherwise: $(cat "$RIG/bomb")"
}

# What was not there without a network is there with one, at once.
test_package_lists_that_could_not_be_read_are_read_again() {
	mkdir "$RIG/lists"
	# shellcheck disable=SC2016
	lists='top=$0 && . "$top/hooks/lib/image.sh" && image_t0=$(date +%s) && image_lists && image_resolve jq | grep -q "^jq "'
	unshare -n env BUILD="$RIG/lists" sh -c "$lists" "$top" > "$RIG/out" 2>&1 && die 'there is a network'
	grep -q 'apt-sources: .*is the mirror reachable' "$RIG/out" || die "$(tail -n 1 "$RIG/out")"
	env BUILD="$RIG/lists" sh -c "$lists" "$top" > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
}
