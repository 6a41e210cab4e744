#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Podman in the guest with the settings that Debian gives it, its AppArmor profile in force; the host
# tier's has others, without network and control groups. Prints the lines of a tier's runner.
# shellcheck source=tests/machine/guest/rig.sh
. /tests/rig.sh
# shellcheck source=tests/incus/readme.sh
. /tests/readme.sh

# What the container said and what the kernel says of its two processes, before it is stopped:
# who is stopped sooner may never have begun.
look_script() {
	cat <<-'END'
	for _ in $(seq 60); do
		podman logs player > logs 2>&1
		! grep -qx told logs || break
		sleep 0.5
	done
	shim=$(podman inspect player --format '{{.State.Pid}}')
	cat "/proc/$shim/attr/current" > label
	cat "/proc/$(pgrep -P "$shim")/attr/current" >> label
	cat "/proc/$(pgrep -P "$shim")/status" > status
	END
}

# The README's block as it stands, but for the look.
test_podman_runs_the_shim_as_entrypoint() {
	mkdir -p "$BUILD/podman"
	cd "$BUILD/podman" || exit 1
	cp /tests/hello .
	look_script > look
	readme_blocks | sed -n 's/^run: podman	//p' | sed 's/^podman stop/sh -eux look; &/' > block
	grep -q '^sh -eux look' block || die "the block is $(cat block)"
	sh -eux block > said 2>&1 < /dev/null || die "the block fails: $(tail -n 5 said)"
	for line in 'arg 0 /hello' 'id 65532:65532' told; do
		grep -qx "$line" logs || die "not told: $line: $(tail -n 3 logs)"
	done
	code=$(podman inspect player --format '{{.State.ExitCode}}')
	[ "$code" = 143 ] || die "exit code $code"
	[ "$(grep -c '^containers-default.*(enforce)$' label)" = 2 ] || die "AppArmor: $(cat label)"
	for line in 'NoNewPrivs:.1' 'Seccomp:.2' 'CapBnd:.0000000000000000'; do
		grep -qx "$line" status || die "not $line: $(grep "^${line%%:*}" status)"
	done
}

# Part of the name, as everywhere; a file without a word has an empty line, which is in any.
if echo podman_runs_the_shim_as_entrypoint | grep -qFf /tests/wanted; then
	try podman_runs_the_shim_as_entrypoint
fi
