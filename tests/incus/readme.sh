#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # RIG, BUILD, here and top are the tier's
#
# The README's command blocks. A comment in front of each says what becomes of it:
#
#   <!-- run: NAME -->            a test runs it: run_block NAME
#   <!-- not run: REASON -->      none can
#   <!-- output -->               no commands

# readme_blocks: each line of a block as COMMENT TAB LINE, COMMENT empty where there is none.
readme_blocks() {
	awk '
	/^```/ { fenced = !fenced; inside = fenced; if (!fenced) mark = ""; next }
	fenced { print mark "\t" $0; next }
	/^    / && (blank || inside) { inside = 1; print mark "\t" substr($0, 5); next }
	/^[ \t]*$/ { blank = 1; next }
	{
		mark = ""
		if (match($0, /^<!-- .* -->$/)) mark = substr($0, 6, length($0) - 9)
		inside = 0
		blank = mark != ""
	}' "$top/README.md"
}

# What a block's `incus exec` says is asked for again where Incus has lost it (`answered`, rig.sh).
answers() {
	cat > "$RIG/bin/incus" <<-END
	#!/bin/sh
	[ "\$1" = exec ] || exec $(command -v incus) "\$@"
	RIG=\$(mktemp -d) || exit 1
	trap 'rm -rf "\$RIG"' EXIT
	. "$here/rig.sh"
	answered $(command -v incus) "\$@"
	END
	chmod 755 "$RIG/bin/incus"
}

# run_block NAME [SED SCRIPT]: in $RIG/work, with the tools of $RIG/bin first. The script puts the
# test's own paths and sizes in, nothing else. What the shell tells of its steps has a file of its
# own: it comes in pieces, and would break lines of those who write at the same time.
run_block() {
	mkdir -p "$RIG/work" "$RIG/bin"
	ln -sf "$top/hooks/stremio-incus" "$RIG/bin/"
	[ -e "$RIG/bin/incus" ] || answers
	readme_blocks | sed -n "s/^run: $1	//p" |
		sed -e "s|/usr/local|$RIG/local|g" -e "${2:-}" > "$RIG/block"
	[ -s "$RIG/block" ] || die "README.md has no block '<!-- run: $1 -->'"
	( cd "$RIG/work" && env PATH="$RIG/bin:$PATH" BUILD="$BUILD" \
		IMAGE_SHIM="$BUILD/stremio-shim" sh -eux "$RIG/block" ) < /dev/null > "$RIG/out" 2> "$RIG/trace" ||
		die "the block $1 fails: $(cat "$RIG/out" "$RIG/trace" | grep -v '^+' | tail -n 1)"
}

test_every_command_block_of_the_readme_is_run_or_says_why_not() {
	readme_blocks > "$RIG/blocks"
	[ "$(grep -c '^run: ' "$RIG/blocks")" -ge 20 ] || die 'hardly a block was found'
	bare=$(grep -vE '^(run: [a-z]+|not run: .{20,}|output)	' "$RIG/blocks" | head -n 1)
	[ -z "$bare" ] || die "a block without its comment: $bare"
	sed -n 's/^run: \([a-z]*\)	.*/\1/p' "$RIG/blocks" | sort -u > "$RIG/names"
	while read -r name; do
		[ -n "$(tests_with "run_block $name")" ] || die "no test of make check runs the block $name"
	done < "$RIG/names"
	grep -q "^checked='.* host" "$top/tests/run.sh" || die 'make check leaves this tier out'
}

# tests_with COMMAND: those of the host tier in `make check` that run it, themselves or by a function.
tests_with() {
	# shellcheck disable=SC2154,SC2086 # of run.sh
	cat $host_files | awk -v command="$1 " -v slow="$slow" '
	BEGIN { n = split(slow, s); for (i = 1; i <= n; i++) left["test_" s[i]] = 1 }
	/^[ \t]*#/ { next }
	/^[a-z0-9_]+\(\) \{$/ { f = $1; sub(/\(\)/, "", f); next }
	/^\}/ { f = "" }
	f != "" { body[f] = body[f] $0 " \n" }
	function runs(f,    g) {
		if (index(body[f], command))
			return 1
		for (g in body)
			if (!(g in seen) && body[f] ~ "(^|[^a-z0-9_])" g "[^a-z0-9_]") {
				seen[g] = 1
				if (runs(g))
					return 1
			}
		return 0
	}
	END {
		for (f in body)
			if (f ~ /^test_/ && !(f in left)) {
				split("", seen)
				if (runs(f))
					print f
			}
	}'
}

# What the shipped program can find is what must be explained, there and by doctor; and whoever
# does what is said there is not told that there is no such option.
test_troubleshooting_tells_a_cure_for_every_finding() {
	timeout 60 "$BUILD/stremio-shim" --self-test=json --devices=gpu,sound,x11,pulse,wayland \
		> "$RIG/report" 2> "$RIG/err"
	grep -o '"id":"[^"]*"' "$RIG/report" | cut -d'"' -f4 | sort -u > "$RIG/ids"
	[ "$(wc -l < "$RIG/ids")" -ge 19 ] || die "hardly an id: $(tr '\n' ' ' < "$RIG/ids") $(tail -n 1 "$RIG/err")"
	sed -n '/^## Troubleshooting/,/^## Recipes/s/^| \(`[^|]*\) |.*/\1/p' "$top/README.md" |
		tr -d '` ' | tr ',' '\n' | sort > "$RIG/explained"
	diff "$RIG/ids" "$RIG/explained" > "$RIG/diff" || die "the table: $(tail -n 1 "$RIG/diff")"
	# shellcheck source=hooks/lib/host-cures.sh
	. "$top/hooks/lib/host-cures.sh"
	while read -r id; do
		cure=$(cure_of "$id" one)
		[ -n "$cure" ] || die "doctor has no cure for $id"
		echo "$cure" | grep -oE 'stremio-incus [a-z]+ one( --[a-z=]+)*'
	done < "$RIG/ids" > "$RIG/cures"
	sed -n '/^## Troubleshooting/,/^## Recipes/p' "$top/README.md" | grep -oE '`(stremio-incus )?(attach|launch|stop) NAME( --[a-z=]+)*' |
		sed 's/^`//; s/^stremio-incus //; s/^/stremio-incus /; s/NAME/one/' >> "$RIG/cures"
	[ "$(wc -l < "$RIG/cures")" -ge 15 ] || die 'hardly a command was found'
	sort -u "$RIG/cures" | while read -r _ words; do
		# Misused it says so before it looks for Incus, which is not there.
		# shellcheck disable=SC2086
		INCUS_DIR=$RIG/nowhere "$top/hooks/stremio-incus" --dry-run $words > "$RIG/out" 2>&1 < /dev/null
		[ $? = 69 ] || die "$words: $(tail -n 1 "$RIG/out")"
	done
}

# A self-test knows the cause, and so the command; doctor has it from there.
test_doctor_tells_what_the_self_test_says_of_the_cause() {
	"$BUILD/stremio-shim" --self-test=json --devices=gpu,sound,x11,pulse,wayland \
		> "$RIG/report" 2> "$RIG/err"
	(
		work=$RIG
		# shellcheck disable=SC2317
		shim_asked() { cp "$RIG/report" "$3" && return 69; }
		# shellcheck source=hooks/lib/host-cures.sh
		. "$top/hooks/lib/host-cures.sh"
		# shellcheck source=hooks/lib/host-doctor.sh
		. "$top/hooks/lib/host-doctor.sh"
		# It calls its machine the instance's name.
		doctor_self_test "$(uname -n)"
	) > "$RIG/out"
	jq -r '.checks[] | select(.status == "fail" or .status == "warn") | .id + "\t" + .hint' "$RIG/report" > "$RIG/hints"
	[ "$(wc -l < "$RIG/hints")" -ge 4 ] || die "hardly a failure: $(cat "$RIG/hints")"
	while IFS="$(printf '\t')" read -r id hint; do
		grep -A1 -E "^(fail|warn)  $id " "$RIG/out" | grep -qF -- "-> $hint" || die "$id: no '$hint'"
	done < "$RIG/hints"
	# And in general, once.
	[ "$(grep -c -- '-> ls -l /dev/dri on the host: no renderD' "$RIG/out")" = 1 ] || die "$(cat "$RIG/out")"
	[ "$(grep -A2 '^fail  x11.socket ' "$RIG/out" | grep -c 'stremio-incus attach')" = 1 ] ||
		die "twice: $(grep -A2 '^fail  x11.socket ' "$RIG/out")"
}

test_readme_installs_and_launches() {
	printf '%s\n' -- /bin/sleep 1000 > "$RIG/args"
	incus profile rename stremio rig > /dev/null || die 'profile rename'
	trap '{ gone player; incus profile delete stremio; incus profile rename rig stremio; } > /dev/null 2>&1' EXIT
	incus image alias create stremio "$(incus query /1.0/images/aliases/busybox |
		sed -n 's/.*"target": *"\([^"]*\)".*/\1/p')" > /dev/null || die 'alias'
	run_block install "s|^make && make install|make -s -C $top BUILD=$BUILD install prefix=$RIG/local|"
	until_true 10 is_ready player || die "state $(state player)"
	run_block exec
	grep -q 'uid=1000(stremio) gid=1000(stremio)' "$RIG/out" || die "$(tail -n 1 "$RIG/out")"
}
