#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # RIG, BUILD, here and top are the tier's
#
# The README's recipes, as they stand there (readme.sh), on real tools.

installs() {
	packages_install "$@" > "$RIG/packages" 2>&1 || die "$(tail -n 1 "$RIG/packages")"
}

# podman, runc and crun with files of their own and no control groups: the test may run without
# systemd, and where a unified hierarchy is missing.
runtimes() {
	installs oci recipes build
	mkdir -p "$RIG/bin" "$RIG/work" "$RIG/local/lib/stremio-shim/guest"
	cp "$BUILD/stremio-shim" "$RIG/local/lib/stremio-shim/guest/"
	musl-gcc -static -Os -o "$RIG/work/hello" "$here/teller.c" || die 'teller.c'
	cat > "$RIG/storage.conf" <<-END
		[storage]
		driver = "vfs"
		runroot = "$RIG/podman/run"
		graphroot = "$RIG/podman/graph"
	END
	cat > "$RIG/containers.conf" <<-END
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime = "crun"
		[containers]
		cgroups = "disabled"
		netns = "none"
		log_driver = "k8s-file"
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
	END
	# crun refuses any but a unified hierarchy.
	printf '#!/bin/sh\nexec unshare -m sh -c "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec \\"\\$@\\"" sh %s "$@"\n' \
		"$(command -v podman)" > "$RIG/bin/podman"
	printf '#!/bin/sh\nexec unshare -m sh -c "umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; exec \\"\\$@\\"" sh %s --cgroup-manager=disabled --root=%s "$@"\n' \
		"$(command -v crun)" "$RIG/crun" > "$RIG/bin/crun"
	printf '#!/bin/sh\nexec %s --root=%s "$@"\n' "$(command -v runc)" "$RIG/runc" > "$RIG/bin/runc"
	chmod 755 "$RIG/bin/podman" "$RIG/bin/crun" "$RIG/bin/runc"
	CONTAINERS_STORAGE_CONF=$RIG/storage.conf CONTAINERS_CONF=$RIG/containers.conf
	export CONTAINERS_STORAGE_CONF CONTAINERS_CONF
	PATH=$RIG/bin:$PATH
	trap '{ podman rm -f -a; runc delete -f one; crun delete -f two; } > /dev/null 2>&1' EXIT
}

test_recipe_podman_runtimes_and_import() {
	runtimes
	run_block podman
	podman logs player > "$RIG/told" 2>&1
	told 'arg 0 /hello' 'id 65532:65532' 'told'
	[ "$(podman inspect player --format '{{.State.ExitCode}}')" = 143 ] ||
		die "exit code $(podman inspect player --format '{{.State.ExitCode}}')"
	# Not before it has said all it has to say: who is stopped sooner may never have begun.
	# shellcheck disable=SC2016
	after='timeout 10 sh -c '\''until [ "$(grep -cx told "$0")" = N ]; do sleep 0.1; done'\'" $RIG/out"
	run_block runtimes "s|^ *runc kill|$(echo "$after" | sed s/N/1/); &|
		s|^ *crun kill|$(echo "$after" | sed s/N/2/); &|"
	# Each says it, runc and crun.
	[ "$(grep -cx 'id 65532:65532' "$RIG/out")" = 2 ] || die "$(tail -n 2 "$RIG/out" | tr '\n' ' ')"
	run_block import
	tells app
	told 'arg 0 /hello' 'id 65532:65532'
}

# Where no shell is: the engine calls the shim.
test_self_test_is_a_health_check() {
	runtimes
	mkdir -p "$RIG/health"
	cp "$BUILD/stremio-shim" "$BUILD/stremio-probe" "$RIG/work/hello" "$RIG/health/"
	cat > "$RIG/health/Containerfile" <<-'END'
	FROM scratch
	COPY stremio-shim stremio-probe hello /
	HEALTHCHECK CMD ["/stremio-shim", "--self-test"]
	ENTRYPOINT ["/stremio-shim", "--"]
	CMD ["/hello"]
	END
	podman build --format=docker -t health "$RIG/health" > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	# Its timers are systemd's, which need not be here: the check is called by hand.
	export DISABLE_HC_SYSTEMD=true
	podman run --detach --name good health > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	podman run --detach --name bad --env STREMIO_REQUIRE=gpu --env STREMIO_WAIT=60 health \
		> "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	podman healthcheck run good > "$RIG/out" 2>&1 || die "good: $(cat "$RIG/out")"
	! podman healthcheck run bad > "$RIG/out" 2>&1 || die 'a GPU is required, and there is none'
	# As the engine keeps it, the beginning of the output with it: 69 is one of the failures to it.
	for want in good:0 bad:1; do
		podman inspect "${want%:*}" | jq -r '.[0].State.Health.Log[-1] | .ExitCode, .Output' > "$RIG/health.log"
		[ "$(sed -n 1p "$RIG/health.log")" = "${want#*:}" ] || die "$want: $(cat "$RIG/health.log")"
		grep -q '^fail  gpu.render ' "$RIG/health.log" || die "$want: $(cat "$RIG/health.log")"
	done
}

# recipe_app: an instance app, as the recipes call theirs.
recipe_app() {
	instance app <<-'END'
	#!/bin/sh
	echo start >> ~/starts
	exec sleep 1000
	END
	start app
	wait_home app starts
}

test_recipe_snapshots_export_and_import() {
	recipe_app
	run_block snapshots
	rm -f "$RIG/work/app.tar.gz"
	# The state of the snapshot and one start more, in both.
	for inst in app second; do
		until_true 10 lines "$inst" starts 2 || die "$inst: starts $(home "$inst" starts | wc -l)"
		until_true 10 is_ready "$inst" || die "$inst: state $(state "$inst")"
	done
}

test_recipe_launcher_script() {
	recipe_app
	run_block launcher
	# Behind what Incus tells of its progress, which ends with the beginning of a line.
	tr '\r' '\n' < "$RIG/out" | grep -qx 'hello uid=1000(stremio) gid=1000(stremio)' || die "$(tail -n 1 "$RIG/out")"
}

test_recipe_watching() {
	recipe_app
	{
		sleep 1
		incus exec app -- true
	} > /dev/null 2>&1 &
	run_block watching 's/timeout 60/timeout 4/'
	wait $!
	for word in 'Status: R[A-Z]*' '"network"' 'incus_memory_.*name="app"' 'instance-exec'; do
		grep -q "$word" "$RIG/out" || die "not a word of $word"
	done
}

test_recipe_system_container() {
	installs image
	fake_desktop
	# With the paths of this rig, as `make install` puts an administrator's in.
	export STREMIO_PROFILE="$RIG/profile.yaml"
	trap '{ gone desktop; incus profile delete stremio-system; } > /dev/null 2>&1' EXIT
	# A small package stands for the player.
	run_block system 's/mpv/jq/g'
	tr '\r' '\n' < "$RIG/out" | grep -q '^jq-[0-9]' || die "$(tail -n 1 "$RIG/out")"
	[ "$(answered incus exec desktop -- cat /proc/1/comm)" = systemd ] || die 'its init is another'
	[ "$(mode_of_top desktop)" = '755 0:0' ] || die "/ of the image is $(mode_of_top desktop)"
	# Nothing of the machine that the image was made on.
	[ "$(answered incus exec desktop -- cat /proc/sys/kernel/hostname)" = desktop ] || die 'it has another name'
	incus exec desktop -- test -e /etc/resolv.conf && die "a name server: $(incus exec desktop -- cat /etc/resolv.conf)"
	answered incus exec desktop -- /opt/stremio-shim/stremio-shim -- cat /proc/self/status > "$RIG/status"
	for line in 'NoNewPrivs:.1' 'Seccomp:.2' 'CapBnd:.0000000000000000' 'Uid:.1000.1000.1000.1000'; do
		grep -qx "$line" "$RIG/status" || die "not $line: $(grep "^${line%%:*}" "$RIG/status")"
	done
	# The profile is the whole of its configuration, and systemd does with it.
	[ "$(incus list -f csv -c P desktop)" = stremio-system ] || die "profiles: $(incus list -f csv -c P desktop)"
	systemd_is_content
	answered incus exec desktop -- cat /proc/mounts | grep -q '^tmpfs /dev/shm .*size=524288k' || die 'another /dev/shm'
	until_true 10 lists_devices desktop || die "no list of devices: $(cat "$RIG/devices" "$RIG/err")"
	[ "$(grep -cE '^crw-rw---- +1 +0 +1000 ' "$RIG/devices")" = 14 ] ||
		die "$(hook_log desktop); in there: $(cat "$RIG/err" "$RIG/devices" | head -n 3 | tr '\n' ';')"
	# What stremio-incus gives to any instance it gives to this one.
	session_up
	trap '{ gone desktop; incus profile delete stremio-system; incus network delete incusbr0; } > /dev/null 2>&1; session_down' EXIT
	incus network create incusbr0 ipv6.address=none ipv4.address=10.98.0.1/24 ipv4.nat=true > "$RIG/out" 2>&1 ||
		die "$(tail -n 1 "$RIG/out")"
	host_ok stop desktop
	host_ok launch desktop --no-self-test
	push "$RIG/xclient" desktop/usr/bin/xclient --mode 0755
	seen=$(answered incus exec desktop -- /opt/stremio-shim/stremio-shim -- xclient 2> "$RIG/err")
	[ "$seen" = ok ] || die "the display: $seen $(tail -n 1 "$RIG/err")"
	answered incus exec desktop -- cat /proc/net/fib_trie | grep -q '10\.98\.0\.254' ||
		die "no address: $(incus config device show desktop)"
	systemd_is_content
}

test_a_system_image_takes_a_package_file() {
	mkdir -p "$RIG/deb/DEBIAN" "$RIG/deb/usr/bin"
	printf '#!/bin/sh\necho made up\n' > "$RIG/deb/usr/bin/made-up"
	chmod 755 "$RIG/deb/usr/bin/made-up"
	printf '%s\n' 'Package: made-up' 'Version: 1' 'Architecture: all' 'Description: a program' \
		'Maintainer: nobody <nobody@localhost>' > "$RIG/deb/DEBIAN/control"
	dpkg-deb --root-owner-group --build "$RIG/deb" "$RIG/made-up.deb" > "$RIG/out" 2>&1 || die "$(tail -n 1 "$RIG/out")"
	IMAGE_SHIM="$BUILD/stremio-shim" sh "$top/hooks/stremio-incus" image build --system \
		--package="$RIG/made-up.deb" --alias=made-up > "$RIG/out" 2>&1 < /dev/null || die "$(tail -n 1 "$RIG/out")"
	trap 'gone desktop' EXIT
	launch made-up desktop
	start desktop
	[ "$(answered incus exec desktop -- made-up)" = 'made up' ] || die 'no program'
	systemd_is_content
}

# As the application sees them, to the end of the list: what Incus loses may be a part, too.
lists_devices() {
	answered incus exec "$1" -- /opt/stremio-shim/stremio-shim -- \
		sh -c 'ls -ln /dev/dri /dev/snd; echo all' > "$RIG/devices" 2> "$RIG/err"
	[ "$(tail -n 1 "$RIG/devices")" = all ]
}

systemd_is_content() {
	until_true 20 is_running desktop ||
		die "systemd: $(answered incus exec desktop -- systemctl --failed --no-legend)"
}

# Of the system inside: every unit has started. It waits for the end of the boot, unless it is called so
# early that systemd does not yet listen.
is_running() {
	[ "$(answered incus exec "$1" -- systemctl is-system-running --wait)" = running ]
}
