#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# From what is wrong to what to do: the self-test's findings, by id, and what applications say on
# the console, by their words. The README's troubleshooting table has the same lines. For
# sourcing by stremio-incus.

# cure_of ID NAME: the command or the words that cure it; nothing for an unknown id.
cure_of() {
	case $1 in
	gpu.render) echo "ls -l /dev/dri on the host: no renderD* means no driver; else sudo stremio-hook status, and incus restart $2" ;;
	gpu.primary) echo "a card* node lets a client become DRM master: leave gpu-primary out of incus config get $2 environment.STREMIO_DEVICES" ;;
	sound.control) echo "ls -l /dev/snd on the host: no controlC* means no driver; else sudo stremio-hook status, and incus restart $2" ;;
	sound.pcm) echo "where another program has the card (fuser -v /dev/snd/*), with PulseAudio or PipeWire: stremio-incus attach $2 --sound=auto" ;;
	x11.socket) echo "stremio-incus attach $2, from the desktop session" ;;
	x11.auth) echo "stremio-incus attach $2, where the session has another cookie than when it was attached; where it has none (xauth list is empty): with --nested=xwayland, or --wayland --display=none" ;;
	x11.extensions) echo "stremio-incus attach $2 --trusted, if it is attached untrusted: such a client gets almost none; else the X server lacks them" ;;
	pulse.socket) echo "stremio-incus attach $2 --sound=auto, and see that the session's server runs: pactl info" ;;
	pipewire.socket) echo "stremio-incus attach $2 --sound=pipewire, and see that the session's server runs: wpctl status" ;;
	wayland.socket) echo "stremio-incus attach $2 --wayland, from a Wayland session" ;;
	shm) echo "incus config show $2 --expanded must have the lxc.mount.entry for dev/shm; if the profile lacks it: $(profile_remedy), and incus restart $2" ;;
	runtime-dir) echo "incus exec $2 -- ls -ld /run /run/user: root of the container must be able to make it there" ;;
	home) echo "incus exec $2 -- ls -ld /home: root of the container must be able to make the application's home" ;;
	loopback) echo "incus config device add $2 eth0 nic nictype=p2p, or leave CAP_NET_ADMIN to PID 1" ;;
	sandbox.caps|sandbox.nnp|sandbox.seccomp) echo "incus config show $2 --expanded: raw.lxc must start /opt/stremio-shim/stremio-shim as lxc.init.cmd, without --policy=none; environment.STREMIO_POLICY and the args file must not say none either" ;;
	sandbox.landlock) echo 'a newer kernel on the host (6.12 has all that is used); lsm= on its command line must have landlock' ;;
	sandbox.userns) echo "incus config set $2 environment.STREMIO_USERNS=deny, unless the application refuses to start without" ;;
	esac
}

# console_cures NAME: what is known of the application's last words, from standard input; lines
# of WHAT TAB CURE, one for each cause. A line like the shim's may be the application's: it is what the
# console says, never a cure.
console_cures() {
	tail -n 300 | awk -v name="$1" '
	function found(what, cure) {
		if (!(what in seen))
			printf "%s\t%s\n", what, cure
		seen[what] = 1
	}
	/EADDRINUSE/ && !/11470/ { found("a port is taken (EADDRINUSE): another process in there has it", "incus exec " name " -- cat /proc/net/tcp; incus restart " name) }
	/EADDRINUSE.*11470|11470.*(EADDRINUSE|in use)/ { found("port 11470 is taken: a second Stremio or its old server runs in there", "incus restart " name) }
	/No usable sandbox|sandbox.*(is not configured|must be owned|SUID)|Failed to move to new namespace/ { found("no usable sandbox: the browser insists on one of its own", "incus config set " name " environment.STREMIO_USERNS=allow, or the application'"'"'s --no-sandbox") }
	/bwrap: .*(namespace|not permitted)/ { found("no usable sandbox: WebKitGTK wants bubblewrap", "incus config set " name " environment.WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS=1 (it stays within the shim'"'"'s)") }
	/[Rr]ender(er)? process (terminated|crashed|gone)|QtWebEngineProcess.*(crash|signal|abnormal)|Render process.*code|[Ww]eb ?[Pp]rocess.*(crash|terminated)/ { found("the web view is dead: its renderer ended", "stremio-incus logs " name "; then incus config set " name " environment.QTWEBENGINE_CHROMIUM_FLAGS=--disable-gpu") }
	/(\/dev\/shm|shared memory|shm_open).*(No space|ENOSPC|failed|too small|denied|SIGBUS)|Creating shared memory in \/dev\/shm/ { found("/dev/shm is missing or full", "incus exec " name " -- df -h /dev/shm; size= in the lxc.mount.entry of the profile") }
	/[Cc]an(no|'"'"')t open display|[Cc]ould not connect to display|Missing X server|cannot connect to X server|Unable to open X display/ { found("no display", "stremio-incus attach " name ", then incus restart " name) }
	/Authorization required|MIT-MAGIC-COOKIE|No protocol specified/ { found("the X server refuses the cookie", "stremio-incus attach " name) }
	/X Error.*(BadAccess|BadShmSeg)|shared memory segment.*X|failed to attach.*shared memory/ { found("System V shared memory does not reach the host'"'"'s X server", "incus config set " name " linux.sysctl.kernel.shmmni=0: then nobody tries") }
	/error while loading shared libraries|cannot open shared object/ { found("a library is missing in the image", "stremio-incus image build; or incus exec " name " -- apt-get install ...") }
	/ENOTFOUND|EAI_AGAIN|getaddrinfo|Temporary failure in name resolution/ { found("no name server answers", "stremio-incus launch " name " --network=auto, when it is stopped; incus exec " name " -- cat /etc/resolv.conf") }
	/ENETUNREACH|Network is unreachable/ { found("no network", "stremio-incus stop " name " && stremio-incus launch " name " --network=auto") }
	/Device or resource busy.*(snd|pcm|audio)|(snd|pcm|ALSA|audio).*(busy|EBUSY)/ { found("the sound card is busy: another program has it", "stremio-incus attach " name " --sound=auto, then incus restart " name) }
	/stremio-shim: .*: .* \(/ { if (!/warning/) last = substr($0, 1, 500) }
	/Out of memory|oom-kill|Cannot allocate memory/ { found("out of memory", "incus config set " name " limits.memory=3GiB") }
	/fork.*(Resource temporarily unavailable|EAGAIN)|pthread_create.*(unavailable|EAGAIN)/ { found("too many processes and threads", "incus config set " name " limits.processes=1024") }
	END {
		gsub(/\t/, " ", last)
		if (last) printf "as the shim would, but so can the application, the console says: %s\t\n", last
	}'
}
