#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Adding an address to a set while traffic runs over a veth in a namespace of its own, by `synfw set
# add`, `nft add element` and `ipset add`: until its packets are dropped, as a whole process, and in a
# batch: bench_set_add.sh BUILD [REPETITIONS]
# Prints Markdown. Needs root, nftables, ipset and iptables. Everything it makes it removes.
# shellcheck disable=SC2034 # add_TOOL is used by its name
set -euo pipefail

BUILD=$(cd "$1" && pwd)
. "$(dirname "$0")/host.sh"
REPETITIONS=${2:-100} # at most 250
SIZES=(1000 1000000)
TOOLS=(synfw nft ipset)
BATCH=1000
ROUNDS=5
host_begin
ip -n "$HOST" address add 192.0.2.1/24 dev eth0
# sources that there is no route to are as good as any
on_host sh -c 'echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; echo 0 >/proc/sys/net/ipv4/conf/eth0/rp_filter'

measured() { on_host "$BUILD/benchmarks/measure-command" "$@"; }

# ---- the three tools: a set of SIZE addresses in force, one more, a file of more -----------------

begin_synfw() { # SIZE
	printf '%s\n' 'version: 1' 'name: dynamic' 'interfaces: [{name: eth0}]' \
		'defaults: {incoming: allow}' "sets: {listed: {dynamic: true, size: $(($1 + 10000))}}" \
		'rules: [{name: listed, from: listed, action: drop}]' >"$T/dynamic.yaml"
	on_host "$SYNFW" apply "$T/dynamic.yaml"
	on_host "$SYNFW" set add listed - <"$T/listed"
}
add_synfw=("$SYNFW" set add listed @)
batch_synfw() { measured -i "$1" "$SYNFW" set add listed -; }
unbatch_synfw() { on_host "$SYNFW" set del listed - <"$1"; }
end_synfw() { on_host "$SYNFW" detach; }

elements() { # ADD|DELETE FILE: as nft reads them
	echo "$1 element netdev bench listed {"
	sed 's/$/,/' "$2"
	echo '}'
}
begin_nft() { # SIZE
	printf '%s\n' 'table netdev bench {' "set listed { type ipv4_addr; size $(($1 + 10000)); }" \
		'chain in {' 'type filter hook ingress device eth0 priority 0;' 'ip saddr @listed drop' \
		'}' '}' >"$T/nft"
	elements add "$T/listed" >>"$T/nft"
	on_host nft -f "$T/nft"
}
add_nft=(nft add element netdev bench listed '{ @ }')
batch_nft() { elements add "$1" >"$T/nft"; measured nft -f "$T/nft"; }
unbatch_nft() { elements delete "$1" >"$T/nft"; on_host nft -f "$T/nft"; }
end_nft() { on_host nft flush ruleset; }

begin_ipset() { # SIZE
	{
		echo "create listed hash:ip maxelem $(($1 + 10000))"
		sed 's/^/add listed /' "$T/listed"
	} >"$T/ipset"
	on_host ipset restore -file "$T/ipset"
	on_host iptables -t raw -A PREROUTING -m set --match-set listed src -j DROP
}
add_ipset=(ipset add listed @)
batch_ipset() { sed 's/^/add listed /' "$1" >"$T/ipset"; measured ipset restore -file "$T/ipset"; }
unbatch_ipset() { sed 's/^/del listed /' "$1" >"$T/ipset"; on_host ipset restore -file "$T/ipset"; }
# its rule holds on to the set until after a grace period
end_ipset() {
	on_host nft flush ruleset
	local i
	for i in $(seq 50); do
		on_host ipset destroy 2>/dev/null && return
		sleep 0.1
	done
	echo "the set is still in use" >&2
	return 1
}

# ---- rounds --------------------------------------------------------------------------------------

# Milliseconds as a process of its own, without traffic, of sources that time-to-drop has not used.
add_one_by_one() { # TOOL
	local -n one=add_$1
	local i
	for ((i = 0; i < REPETITIONS; i++)); do
		measured "${one[@]/@/198.18.128.$((i % 250 + 1))}" | cut -d' ' -f1
	done
}

declare -A BATCH_MS
run_tool() { # TOOL SIZE: leaves $T/TOOL.SIZE.drop and $T/TOOL.SIZE.process, a line for each repetition
	local tool=$1 size=$2 round ms
	local -n command=add_$tool
	"begin_$tool" "$size" >/dev/null
	on_host "$BUILD/benchmarks/time-to-drop" peer eth0 "$REPETITIONS" "${command[@]}" \
		>"$T/$tool.$size.drop"
	add_one_by_one "$tool" >"$T/$tool.$size.process"
	for ((round = 0; round < ROUNDS; round++)); do
		read -r ms _ < <("batch_$tool" "$T/more" || echo failed)
		[ "$ms" != failed ] || { echo "$tool has failed with $BATCH addresses" >&2; exit 1; }
		BATCH_MS[$tool:$size]+="$ms "
		"unbatch_$tool" "$T/more" >/dev/null
	done
	"end_$tool" >/dev/null
}

# The same million as a list of the policy, which only an apply can change.
apply_list() {
	local round ms
	policy_of_list "$T/listed" >"$T/list.yaml"
	printf '%s\n' 'version: 1' 'name: other' 'interfaces: [{name: eth0}]' \
		'defaults: {incoming: allow}' 'rules: [{name: web, to: 443/tcp, action: allow}]' \
		>"$T/other.yaml"
	for ((round = 0; round < ROUNDS; round++)); do
		on_host "$SYNFW" apply "$T/other.yaml" >/dev/null 2>&1
		read -r ms _ < <(measured "$SYNFW" apply "$T/list.yaml" 2>"$T/errors" || echo failed)
		[ "$ms" != failed ] || { cat "$T/errors" >&2; exit 1; }
		APPLY_MS+="$ms "
	done
	on_host "$SYNFW" detach >/dev/null 2>&1
}

# The addresses of time-to-drop, and those of the batch, are not in the lists.
seq -f '198.19.%g' 0 $((BATCH - 1)) | awk -F. '{ print "198.19." int($3 / 250) "." $3 % 250 + 1 }' \
	>"$T/more"
for size in "${SIZES[@]}"; do
	"$BUILD/benchmarks/bench-prefixes" 4 "$size" | sed 's,/.*,,; /^198\.1[89]\./d' >"$T/listed"
	for tool in "${TOOLS[@]}"; do run_tool "$tool" "$size"; done
done
APPLY_MS='' EMPTY_MS=''
apply_list
for ((round = 0; round < 4 * ROUNDS; round++)); do
	read -r ms _ < <(measured true)
	EMPTY_MS+="$ms "
done

# ---- the page ------------------------------------------------------------------------------------

quantile() { # TOOL SIZE drop|process PER_CENT
	sort -n "$T/$1.$2.$3" | awk -v part="$4" '{ value[NR] = $1 }
		END { printf "%.2f", value[int((NR * part + 99) / 100)] }'
}
against() { # VALUE BAR
	if awk "BEGIN { exit !($1 <= $2) }"; then echo "at most $2: holds"; else echo "at most $2: **missed**"; fi
}
calculate() { awk "BEGIN { printf \"$1\", $2 }"; } # FORMAT EXPRESSION

table() { # drop|process TITLE
	local size tool
	echo
	echo "| addresses in the set | $2, ms: synfw, median | p99 | nft, median | p99 | ipset, median | p99 |"
	echo '|---|---|---|---|---|---|---|'
	for size in "${SIZES[@]}"; do
		printf '| %s |' "$size"
		for tool in "${TOOLS[@]}"; do
			printf ' %s | %s |' "$(quantile "$tool" "$size" "$1" 50)" \
				"$(quantile "$tool" "$size" "$1" 99)"
		done
		echo
	done
}
table drop 'until the first drop'
table process 'whole process'
echo
echo "| addresses in the set | each of $BATCH in one process, µs: synfw | nft -f | ipset restore |"
echo '|---|---|---|---|'
for size in "${SIZES[@]}"; do
	printf '| %s |' "$size"
	for tool in "${TOOLS[@]}"; do
		# shellcheck disable=SC2086 # words are numbers
		printf ' %s |' "$(calculate %.2f "$(median ${BATCH_MS[$tool:$size]}) * 1000 / $BATCH")"
	done
	echo
done
size=${SIZES[-1]}
# shellcheck disable=SC2086 # words are numbers
apply=$(median $APPLY_MS) batch=$(median ${BATCH_MS[synfw:$size]})
process=$(quantile synfw "$size" process 50)
each=$(calculate %.5f "$batch / $BATCH")
process_part=$(calculate %.3f "100 * $process / $apply") each_part=$(calculate %.5f "100 * $each / $apply")
echo
# shellcheck disable=SC2086 # words are numbers
echo "$REPETITIONS repetitions for each tool and size, medians of $ROUNDS batches. In the same run an empty process" \
	"takes $(calculate %.2f "$(median $EMPTY_MS)") ms, an apply of a list of $size addresses" \
	"$(calculate %.0f "$apply") ms. To add one address to a set of as many takes:"
echo
echo "* as a process of its own, ms: $process ($(against "$process" 5))"
echo "* of the apply, %: $process_part ($(against "$process_part" 0.1))"
echo "* in a batch of $BATCH, ms: $each ($(against "$each" 5))"
echo "* of the apply, %: $each_part ($(against "$each_part" 0.1))"
