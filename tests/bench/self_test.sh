#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The self-test of a desktop's devices beside the programs that people run one after the other to
# find out the same: xdpyinfo && aplay -l && vainfo; and what the gate adds to a launch when the
# display that it requires is good. Prints a Markdown table.
#
#   self_test.sh SHIM     stremio-probe and a program `nothing` lie beside it; as root
#
# The X server and the sound server are its own; GPUs and cards are those that the machine has,
# and the table says how many. Without any, aplay and vainfo have less to do than the self-test:
# then the ratio is to the disadvantage of the shim.

set -eu
shim=$1
nothing=${shim%/*}/nothing
BUILD=${BUILD:-build}
ROUNDS=${ROUNDS:-300}
rounds=$((ROUNDS / 10 + 1))
user=65532

for program in Xvfb xauth xdpyinfo aplay vainfo pulseaudio setpriv; do
	command -v $program > /dev/null || {
		echo "bench: self_test: $program not found (hooks/lib/packages.sh bench)" >&2
		exit 0
	}
done

work=$(mktemp -d /tmp/stremio-shim-self-test.XXXXXX)
servers=
finish() {
	for pid in $servers; do kill "$pid" 2> /dev/null || :; done
	wait
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 755 "$work"
mkdir -m 700 "$work/home" "$work/run"

# Xvfb takes the first free display and says which.
cookie=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
touch "$work/home/.Xauthority"
xauth -q -f "$work/home/.Xauthority" add :0 . "$cookie" 2> /dev/null
mkfifo "$work/number"
Xvfb -displayfd 7 -screen 0 640x480x24 -nolisten tcp -noreset -auth "$work/home/.Xauthority" \
	7> "$work/number" > /dev/null 2>&1 &
servers=$!
read -r number < "$work/number"
xauth -q -f "$work/home/.Xauthority" add ":$number" . "$cookie"
chown -R $user:$user "$work/home" "$work/run"

mkdir -m 700 "$work/run/pulse"
chown $user:$user "$work/run/pulse"
setpriv --reuid=$user --regid=$user --clear-groups env HOME="$work/home" \
	XDG_RUNTIME_DIR="$work/run" pulseaudio -n --daemonize=no --use-pid-file=no \
	--exit-idle-time=-1 -L "module-native-protocol-unix socket=$work/run/pulse/native" \
	> /dev/null 2>&1 &
servers="$servers $!"
tries=0
until [ -S "$work/run/pulse/native" ]; do
	tries=$((tries + 1))
	[ $tries -lt 100 ] || { echo 'bench: self_test: no PulseAudio' >&2; exit 1; }
	sleep 0.1
done

export DISPLAY=":$number" XAUTHORITY="$work/home/.Xauthority" HOME="$work/home"
export XDG_RUNTIME_DIR="$work/run" PULSE_SERVER="unix:$work/run/pulse/native"
# What is not there does not end the chain, or the comparison would stop at the first.
cat > "$work/by-hand" <<'EOF'
#!/bin/sh
xdpyinfo > /dev/null 2>&1 || exit 1
aplay -l > /dev/null 2>&1 || :
vainfo > /dev/null 2>&1 || :
EOF
chmod 755 "$work/by-hand"

"$BUILD/bench/spawn" "$rounds" \
	'stremio-shim --self-test' "$shim" -u $user --devices=gpu,sound,x11,pulse --require=x11 \
	--self-test , \
	'xdpyinfo && aplay -l && vainfo' "$work/by-hand" > "$work/times"
# By themselves, and often: a few milliseconds, of which a tenth counts.
"$BUILD/bench/spawn" "$ROUNDS" \
	'a launch with --require=x11' "$shim" -u $user --devices=x11 --require=x11 -- "$nothing" , \
	'a launch with --require=none' "$shim" -u $user --devices=x11 --require=none -- "$nothing" \
	>> "$work/times"

count() {
	set -- "$1"*
	[ -e "$1" ] || shift
	echo $#
}
awk -F'\t' -v rounds="$rounds" -v launches="$ROUNDS" -v gpus="$(count /dev/dri/renderD)" -v cards="$(count /dev/snd/controlC)" '
{ name[NR] = $1; median[NR] = $2; p90[NR] = $4 }
END {
	printf "| %d GPUs, %d cards, X11, PulseAudio; median of %d, launches of %d | ms | p90 |\n",
		gpus, cards, rounds, launches
	print "|---|---:|---:|"
	for (i = 1; i <= NR; i++)
		printf "| %s | %.1f | %.1f |\n", name[i], median[i] / 1000, p90[i] / 1000
	printf "\nself-test/by hand: %.2f (bar 0.25)\n", median[1] / median[2]
	printf "the gate adds %.1f ms (bar 5)\n", (median[3] - median[4]) / 1000
}' "$work/times"
