#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # one program in several files: stremio-incus
#
# A network for an instance without a DHCP client in it. For sourcing by stremio-incus.
#
# A routed NIC: liblxc itself gives the interface its address and its default route, so nothing
# is needed inside, and two instances do not share a wire. The address is a free one of a
# managed bridge with NAT (incusbr0 on most hosts), counted from the upper end: what Incus's
# rules do for that bridge's addresses, they do for this one, and its name server answers it.
# nictype=bridged with lxc.net.0.ipv4.address in raw.lxc works, too, but an instance's raw.lxc
# replaces the profile's.

# network_find WISH: sets network_name and network_cidr of WISH, or (auto) of incusbr0, or of
# the first managed bridge with IPv4 and NAT. 1 when there is none.
network_find() {
	network_name='' network_cidr=''
	case $1 in
	auto) candidates="incusbr0 $(incus network list -f csv < /dev/null 2> /dev/null |
		awk -F, '$2 == "bridge" && $3 == "YES" { print $1 }')" ;;
	*) candidates=$1 ;;
	esac
	for network_name in $candidates; do
		network_cidr=$(incus network get "$network_name" ipv4.address < /dev/null 2> /dev/null) || continue
		case $network_cidr in [0-9]*) ;; *) continue ;; esac
		[ "$(incus network get "$network_name" ipv4.nat < /dev/null 2> /dev/null)" = true ] || continue
		return 0
	done
	network_name=''
	return 1
}

# network_chosen WISH: the same; where nothing is said, of the bridge it was given last, if that is there.
network_chosen() {
	{ [ -z "$1" ] && network_find "$(own_key user.stremio-shim.network)"; } || network_find "${1:-auto}"
}

# network_used NAME: every address that Incus has given to an instance, but for this one, or the
# bridge's DHCP server to anybody. Names are compared as Incus writes them: a project's may be "R\u0026D".
network_used() {
	incus query "/1.0/instances?recursion=1&all-projects=true" < /dev/null 2> /dev/null |
		awk -v name="\"$1\"" -v project="$(sed -n 's/^\t"project": \(".*"\),*$/\1/p' "$work/instance" | sed 's/\\/&&/g')" '
		/^\t{/ { its_name = its_project = used = "" }
		/^\t\t"(name|project)": / {
			value = $0
			sub(/^[^:]*: /, "", value)
			sub(/,$/, "", value)
			if ($1 == "\"name\":") its_name = value; else its_project = value
		}
		/^\t\t\t.*"ipv4\.address": "[0-9]/ { split($0, part, "\""); used = used part[4] "\n" }
		/^\t}/ && (its_name != name || its_project != project) { printf "%s", used }'
	incus network list-leases "$network_name" -f csv < /dev/null 2> /dev/null | tr ',' '\n' | grep -E '^[0-9]+(\.[0-9]+){3}$'
}

# network_free CIDR [ADDRESS]: that address, if it is one of it that is not on standard input, else
# the highest such; the bridge's own and the broadcast address are not free.
network_free() {
	awk -v cidr="$1" -v now="${2:-}" '
	function number(a,    p) { split(a, p, "."); return ((p[1] * 256 + p[2]) * 256 + p[3]) * 256 + p[4] }
	{ used[number($1)] = 1 }
	END {
		split(cidr, c, "/")
		size = 2 ^ (32 - c[2])
		own = number(c[1])
		base = own - own % size
		used[own] = 1
		n = number(now)
		if (n > base && n < base + size - 1 && !(n in used)) {
			print now
			exit
		}
		for (n = base + size - 2; n > base; n--)
			if (!(n in used)) {
				printf "%d.%d.%d.%d\n", n / 16777216, n / 65536 % 256, n / 256 % 256, n % 256
				exit
			}
		exit 1
	}'
}

# The interface's name on the host is there for whoever writes firewall rules: stremio+. The whole
# address, for that of two bridges may end alike; it fits in an interface's fifteen characters.
network_interface() {
	echo "stremio$(echo "$1" | awk -F. '{ printf "%02x%02x%02x%02x", $1, $2, $3, $4 }')"
}

# Whether eth0 is of this tool's making, by that name; else it is the user's own.
network_made() {
	own_device eth0 && [ "$(device_key eth0 host_name)" = "$(network_interface "$(device_key eth0 ipv4.address)")" ]
}

# network_choose NAME: an address of the chosen bridge; the one it has, if that is such a one and no
# other instance's: the bridge may be made anew, the instance a copy or of another host.
network_choose() {
	network_used "$1" | network_free "$network_cidr" "$(device_key eth0 ipv4.address)"
}

network_fits() {
	network_chosen '' && [ "$(network_choose "$1")" = "$(device_key eth0 ipv4.address)" ]
}

# network_attach NAME WISH: auto, none or the name of a managed bridge; empty: as it was, at first auto.
network_attach() {
	network_note=
	case $2 in
	none)
		drop_device "$1" eth0
		want user.stremio-shim.network=none
		return 0 ;;
	'') [ "$(own_key user.stremio-shim.network)" != none ] || return 0 ;;
	esac
	case $2 in
	''|auto) ! own_device eth0 || network_made || return 0 ;;
	esac
	network_chosen "$2" || {
		case $2 in
		''|auto) ;;
		*) missing network "$2: no managed bridge with an IPv4 subnet and NAT (incus network list; incus network create incusbr0)" ;;
		esac
		want user.stremio-shim.network=
		network_note='no network: this Incus has no managed bridge with NAT (incus network create incusbr0, then launch again)'
		return 0
	}
	address=$(network_choose "$1") ||
		missing network "no free address in $network_cidr of $network_name"
	set_device "$1" eth0 nic nictype=routed "ipv4.address=$address" name=eth0 \
		"host_name=$(network_interface "$address")"
	want "user.stremio-shim.network=$network_name"
	network_resolver "$1" "${network_cidr%/*}"
}

resolver_mark='# by stremio-incus launch'

# A name server, where the image and the user name none, and this tool none or another bridge's.
network_resolver() {
	pull_text "$1" /etc/resolv.conf > "$work/resolv.now"
	case $(sed 's/^nameserver .*/nameserver/' "$work/resolv.now") in
	"$resolver_mark
nameserver")
		! grep -qx "nameserver $2" "$work/resolv.now" || return 0 ;;
	*) ! grep -q '^nameserver' "$work/resolv.now" || return 0 ;;
	esac
	if [ "$dry_run" = 1 ]; then
		printf "printf '%%s\\\\n' '%s' 'nameserver %s' | incus file push - %s/etc/resolv.conf --mode 0644\n" \
			"$resolver_mark" "$2" "$1"
		return 0
	fi
	printf '%s\n' "$resolver_mark" "nameserver $2" > "$work/resolv.conf"
	# Some images have a link there, into a /run that nobody fills.
	incus file delete "$1/etc/resolv.conf" < /dev/null > /dev/null 2>&1 || :
	run network incus file push -q -p "$work/resolv.conf" "$1/etc/resolv.conf" --uid 0 --gid 0 --mode 0644
}
