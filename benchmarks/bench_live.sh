#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Packets a second across veth pairs in a namespace of its own, everything dropped: bare XDP_DROP,
# synfw and nftables with 10,000 rules and a list of 100,000, xdp-filter: bench_live.sh BUILD
# Prints Markdown. Needs root, two CPUs, nftables and xdp-tools. Everything it makes it removes; the
# frames are counted beforehand.
set -euo pipefail

BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/host.sh"
LIVE=$BUILD/benchmarks/bench-live
OBJECTS=("$BUILD"/benchmarks/bpf/{generate,rivals}.bpf.o)
RECEIVERS=(bare parse one-load synfw xdp-filter nft-sets nft-rules)
# What a packet costs at the least: reading its headers, and one access to memory that no cache holds.
# The latter only where one CPU makes and receives: a thread of its own took 9 us for each on a virtual
# machine, which says something of its hypervisor and nothing of the access.
declare -A TITLE=([bare]='bare XDP_DROP' [parse]='bare parse' [one-load]='one load, 64 MiB'
	[synfw]=synfw [xdp-filter]='xdp-filter' [nft-sets]='nftables, sets' [nft-rules]='nftables, a rule each')
# enough for a tenth of a second and more; 10,000 rules in a row take 100 us a frame
declare -A FRAMES=([bare]=1000000 [parse]=1000000 [one-load]=500000 [synfw]=500000
	[xdp-filter]=500000 [nft-sets]=100000 [nft-rules]=2000)
OVERLOAD=1000000
MANY=1048576 FEW=1024
host_begin

for receiver in "${RECEIVERS[@]}"; do
	ip -n "$HOST" link add "$receiver" type veth peer name "to-$receiver"
	ip -n "$HOST" link set "$receiver" up
	ip -n "$HOST" link set "to-$receiver" up
	# without a program and without it veth takes no frame that XDP redirects
	on_host ethtool -K "$receiver" gro on
done
"$LIVE" write list >"$T/listed.netset"
"$LIVE" write synfw synfw listed.netset >"$T/live.yaml"
on_host "$SYNFW" apply "$T/live.yaml" >/dev/null 2>&1
for shape in nft-sets nft-rules; do
	"$LIVE" write "$shape" "$shape" >"$T/$shape.nft"
	on_host nft -f "$T/$shape.nft"
done

declare -A RATE
measure() { # LAYOUT FLOWS: fills RATE
	local layout=$1 flows=$2 receiver frames arguments=()
	for receiver in "${RECEIVERS[@]}"; do
		[ "$layout $receiver" != "own one-load" ] || continue
		frames=${FRAMES[$receiver]}
		[ "$layout" = shared ] || frames=$OVERLOAD
		arguments+=("$receiver=to-$receiver:$frames")
	done
	on_host taskset -c 0 "$LIVE" run "${OBJECTS[@]}" "$flows" "${arguments[@]}" >"$T/rates"
	while read -r receiver _ rate; do RATE[$layout:$flows:$receiver]=$rate; done <"$T/rates"
}

# From here on a thread of its own receives what a device gets, on the other CPU.
separate_receivers() {
	local receiver pid
	mkdir "$T/sys"
	# a sysfs of the namespace, which only this shell's child sees
	# shellcheck disable=SC2016 # the inner shell expands it
	on_host unshare --mount sh -ec 'mount -t sysfs sysfs "$0"
		for receiver; do echo 1 >"$0/class/net/$receiver/threaded"; done' "$T/sys" "${RECEIVERS[@]}"
	# the kernel cuts the name of a thread after 15 letters
	for receiver in "${RECEIVERS[@]}"; do
		for pid in $(ps -eo pid=,comm= | awk -v name="napi/$receiver-" \
			'index($2, substr(name, 1, 15)) == 1 { print $1 }'); do
			taskset -cp 1 "$pid" >/dev/null
		done
	done
}

measure shared $MANY
measure shared $FEW
separate_receivers
measure own $MANY
measure own $FEW

on_host "$SYNFW" status --json |
	jq -e '.interfaces | map(.packets > 0 and .packets == .dropped) | all' >/dev/null ||
	{ echo "synfw has let something pass" >&2; exit 1; }

nft_passed() { # DEVICE: frames that nft has let through
	on_host nft --json list chain netdev "bench-$1" passed |
		jq '[.nftables[].rule.expr[]?.counter.packets? // empty] | add'
}

# And the counter counts: everything passes once the chain that drops is gone.
for receiver in nft-sets nft-rules; do
	[ "$(nft_passed "$receiver")" = 0 ] ||
		{ echo "$receiver has let something pass" >&2; exit 1; }
	on_host nft "flush chain netdev bench-$receiver in; delete chain netdev bench-$receiver in"
	on_host "$LIVE" run "${OBJECTS[@]}" $FEW "$receiver=to-$receiver:64" >"$T/passing"
	read -r _ sent _ <"$T/passing"
	passed=$(nft_passed "$receiver")
	[ "$sent" -gt 0 ] && [ "$passed" -ge "$sent" ] ||
		{ echo "$receiver: $passed of $sent frames are counted" >&2; exit 1; }
done

# ---- the page ------------------------------------------------------------------------------------

ratio() { awk "BEGIN { printf \"%.2f\", $1 / $2 }"; }
million() { [ -z "$1" ] && echo - || awk "BEGIN { printf \"%.3f\", $1 / 1000000 }"; }

echo
echo '<!-- plot: performance-live.svg, bars, million packets a second -->'
echo '![packets a second that are received and dropped](performance-live.svg)'
echo
echo '| receiver | one CPU, a million flows | one CPU, 1,024 flows | a CPU of its own, a million flows | a CPU of its own, 1,024 flows |'
echo '|---|---|---|---|---|'
for receiver in "${RECEIVERS[@]}"; do
	printf '| %s |' "${TITLE[$receiver]}"
	for layout in shared own; do
		for flows in $MANY $FEW; do
			printf ' %s |' "$(million "${RATE[$layout:$flows:$receiver]:-}")"
		done
	done
	echo
done
verdict() { # RATIO BAR
	if awk "BEGIN { exit !($1 >= $2) }"; then echo "at least $2: holds"; else echo "at least $2: **missed**"; fi
}
echo
echo '| synfw against | one CPU, a million flows | one CPU, 1,024 flows | a CPU of its own, a million flows | a CPU of its own, 1,024 flows |'
echo '|---|---|---|---|---|'
for subject in bare:0.85 one-load xdp-filter nft-sets:2; do
	receiver=${subject%:*}
	printf '| %s |' "${TITLE[$receiver]}"
	for layout in shared own; do
		for flows in $MANY $FEW; do
			other=${RATE[$layout:$flows:$receiver]:-}
			[ -n "$other" ] || { printf ' - |'; continue; }
			got=$(ratio "${RATE[$layout:$flows:synfw]}" "$other")
			case $subject in
			*:*) printf ' %s (%s) |' "$got" "$(verdict "$got" "${subject#*:}")" ;;
			*) printf ' %s |' "$got" ;;
			esac
		done
	done
	echo
done
