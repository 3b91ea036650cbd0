#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Putting a list of prefixes into force, on a veth in namespaces of its own, by `synfw apply`,
# `nft -f` and `ipset restore` in turns: bench_apply_sets.sh BUILD
# Lists are in no order; the largest is loaded sorted as well, which is much easier for nft, and again
# after some of its lines have changed, which synfw makes from what is in force.
# Prints Markdown. Needs root, nftables and ipset. Everything it makes it removes.
set -euo pipefail

BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/host.sh"
SIZES=(1000 10000 100000 1000000)
TOOLS=(synfw nft ipset)
ROUNDS=3
host_begin

measured() { on_host "$BUILD/benchmarks/measure-command" "$@"; }

# ---- the three tools: what is there before, and the command that is measured ---------------------

prepare_synfw() { # LIST
	printf '%s\n' 'version: 1' 'name: other' 'interfaces:' '  - name: eth0' \
		'defaults: {incoming: allow}' 'rules:' '  - {name: web, to: 443/tcp, action: allow}' \
		>"$T/other.yaml"
	policy_of_list "$1" >"$T/list.yaml"
}
begin_synfw() { on_host "$SYNFW" apply "$T/other.yaml" >/dev/null 2>&1; }
load_synfw() { measured "$SYNFW" apply "$T/list.yaml" 2>"$T/errors"; }
end_synfw() { on_host "$SYNFW" detach >/dev/null 2>&1; }

prepare_nft() { # LIST
	{
		echo 'table netdev bench { set listed { type ipv4_addr; flags interval; elements = {'
		sed 's/$/,/' "$1"
		printf '%s\n' '} }' 'chain in {' 'type filter hook ingress device eth0 priority 0;' \
			'ip saddr @listed drop' '}' '}'
	} >"$T/list.nft"
}
begin_nft() { on_host nft flush ruleset; }
load_nft() { measured nft -f "$T/list.nft" 2>"$T/errors"; }
end_nft() { on_host nft flush ruleset; }

prepare_ipset() { # LIST
	{
		echo "create listed hash:net maxelem $(wc -l <"$1")"
		sed 's/^/add listed /' "$1"
	} >"$T/list.ipset"
}
begin_ipset() { on_host ipset destroy; }
load_ipset() { measured ipset restore -file "$T/list.ipset" 2>"$T/errors"; }
end_ipset() { on_host ipset destroy; }

# ---- rounds --------------------------------------------------------------------------------------

kernel_kib() { awk '/^(SUnreclaim|VmallocUsed|Percpu):/ { sum += $2 } END { print sum }' /proc/meminfo; }

# Bytes of the maps that hold the policy in force, in one slot or the other: the values of the outer
# map are their ids.
table_bytes() {
	local id
	bpftool map dump pinned "$(echo "$SYNFW_BPFFS"/abi*/synfw_pages)" |
		sed -n 's/.*value: \(..\) \(..\) \(..\) \(..\).*/0x\4\3\2\1/p' |
		while read -r id; do bpftool --json map show id $((id)); done |
		jq -s 'map(.bytes_memlock) | add'
}

# More than once, unless it takes too long to be worth it.
rounds_of() { # TOOL SIZE
	if [ "$1" = nft ] && [ "$2" = 1000000 ]; then echo 1; else echo $ROUNDS; fi
}

declare -A MS KIB KERNEL MAPS
run_round() { # TOOL SIZE: appends to the results; SIZE may be "sorted"
	local before ms kib
	"begin_$1"
	sleep 0.2 # what was freed goes after a grace period
	before=$(kernel_kib)
	read -r ms kib < <("load_$1" || echo 0 0)
	ms=${ms%.*}
	[ "$ms" != 0 ] || { cat "$T/errors" >&2; echo "$1 has failed with $2 prefixes" >&2; exit 1; }
	sleep 0.2
	MS[$1:$2]+="$ms " KIB[$1:$2]+="$kib " KERNEL[$1:$2]+="$(($(kernel_kib) - before)) "
	[ "$1" != synfw ] || MAPS[$2]=$(table_bytes)
	"end_$1"
}

run_rounds() { # SIZE ROUNDS
	local size=$1 tool round
	for tool in "${TOOLS[@]}"; do "prepare_$tool" "$T/listed.netset"; done
	for ((round = 0; round < $2; round++)); do
		for tool in "${TOOLS[@]}"; do
			[ "$round" -ge "$(rounds_of "$tool" "$size")" ] || run_round "$tool" "$size"
		done
	done
}

for size in "${SIZES[@]}"; do
	"$BUILD/benchmarks/bench-prefixes" 4 "$size" >"$T/listed.netset"
	run_rounds "$size" $ROUNDS
done
"$BUILD/benchmarks/bench-prefixes" 4 "${SIZES[-1]}" sorted >"$T/listed.netset"
run_rounds sorted 1

# ---- a list of which some lines have changed ------------------------------------------------------

CHANGED=(0 1 100 10000)
declare -A BLOCKS

# So many lines, anywhere in a list of a family, are other addresses.
change_lines() { # 4|6 NUMBER LIST
	awk -v family="$1" -v number="$2" -v lines="$(wc -l <"$3")" '
		function below(end) { return int(rand() * end) }
		BEGIN { srand(20261201) }
		!number || (NR - 1) % int(lines / number) || NR > number * int(lines / number) { print; next }
		family == 4 { printf "%d.%d.%d.%d\n", 1 + below(222), below(256), below(256), below(256) }
		family == 6 { printf "2%03x:%x:%x::%x\n", below(4096), below(65536), below(65536), below(65536) }
		' "$3"
}

load_changed() { # RESULT
	local ms
	read -r ms _ < <(load_synfw || echo 0 0)
	[ "$ms" != 0 ] || { cat "$T/errors" >&2; echo "synfw has failed: $1" >&2; exit 1; }
	MS[$1]+="${ms%.*} "
}

# From the list to the changed one, in turns with a policy without it to the changed one.
run_changed() { # 4|6 NUMBER
	local round
	begin_synfw
	change_lines "$1" "$2" "$T/listed.netset" >"$T/changed.netset"
	policy_of_list "$T/changed.netset" >"$T/list.yaml"
	policy_of_list "$T/listed.netset" >"$T/before.yaml"
	on_host "$SYNFW" apply "$T/before.yaml" >/dev/null 2>&1
	BLOCKS[$1:$2]=$(on_host "$SYNFW" apply "$T/list.yaml" --dry-run --json |
		jq -r 'if .blocks_copied == 0 then "all" else .blocks_changed end')
	for ((round = 0; round < ROUNDS; round++)); do
		on_host "$SYNFW" apply "$T/before.yaml" >/dev/null 2>&1
		load_changed "delta$1:$2"
		begin_synfw
		load_changed "anew$1:$2"
	done
}

for family in 4 6; do
	"$BUILD/benchmarks/bench-prefixes" $family "${SIZES[-1]}" >"$T/listed.netset"
	for number in "${CHANGED[@]}"; do run_changed $family "$number"; done
done
end_synfw

# ---- the page ------------------------------------------------------------------------------------

of() { # RESULTS TOOL SIZE: the median
	local -n results=$1
	# shellcheck disable=SC2086 # words are numbers
	median ${results[$2:$3]}
}

against() { # VALUE BAR
	if awk "BEGIN { exit !($1 <= $2) }"; then
		echo "$1 (at most $2: holds)"
	else
		echo "$1 (at most $2: **missed**)"
	fi
}
ratio() { awk "BEGIN { printf \"%.3f\", $1 / $2 }"; }
mib() { awk "BEGIN { printf \"%.1f\", $1 / 1024 }"; }

echo
echo '<!-- plot: performance-apply.svg, log, prefixes of the list, ms -->'
echo '![time to put a list into force](performance-apply.svg)'
echo
echo '| prefixes | synfw apply | nft -f | ipset restore |'
echo '|---|---|---|---|'
for size in "${SIZES[@]}"; do
	echo "| $size | $(of MS synfw "$size") | $(of MS nft "$size") | $(of MS ipset "$size") |"
done
echo
echo '| prefixes | largest process, MiB: synfw | nft | ipset | kernel, MiB: synfw | of it in its tables | nft | ipset |'
echo '|---|---|---|---|---|---|---|---|'
for size in "${SIZES[@]}"; do
	printf '| %s |' "$size"
	for tool in "${TOOLS[@]}"; do printf ' %s |' "$(mib "$(of KIB "$tool" "$size")")"; done
	printf ' %s | %s |' "$(mib "$(of KERNEL synfw "$size")")" "$(mib "$((MAPS[$size] / 1024))")"
	for tool in nft ipset; do printf ' %s |' "$(mib "$(of KERNEL "$tool" "$size")")"; done
	echo
done
size=${SIZES[-1]}
part() { ratio "$(of MS synfw "$2")" "$(of MS "$1" "$2")"; } # TOOL SIZE: synfw's time of the tool's
echo
echo "With $size prefixes synfw takes:"
echo
echo "* ms: $(against "$(of MS synfw "$size")" 1500)"
echo "* of the time of \`nft -f\`: $(against "$(part nft "$size")" 0.1)"
echo "* of the time of \`ipset restore\`: $(against "$(part ipset "$size")" 0.5)"
echo "* the same sorted: $(of MS synfw sorted) ms, $(part nft sorted) of \`nft -f\`, $(part ipset sorted) of" \
	"\`ipset restore\`"
echo "* MiB in the process: $(against "$(mib "$(of KIB synfw "$size")")" 300)"
echo "* MiB in the kernel: $(against "$(mib "$((MAPS[$size] / 1024))")" 64)"
echo
echo "Of $size lines so many have changed, to hosts anywhere, since the list was put in force:"
echo
echo '| family | lines changed | blocks made anew | from what is in force, ms | from a policy without a list, ms | ratio |'
echo '|---|---|---|---|---|---|'
for family in 4 6; do
	for number in "${CHANGED[@]}"; do
		delta=$(of MS delta$family "$number") anew=$(of MS anew$family "$number")
		echo "| IPv$family | $number | ${BLOCKS[$family:$number]} | $delta | $anew | $(ratio "$delta" "$anew" | cut -c -4) |"
	done
done
