# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The shapes that programs rely on: keys may be added, never changed.

prepare() {
	add_hosts
	policy block <<-E
		sets: {listed: [198.51.100.0/24, "2001:db8:bad::/48"]}
		rules:
		  - {name: listed, from: listed, action: drop}
		  - {name: odd, proto: tcp, flags: none, score: 60}
		  - {name: watched, to: 25/tcp, action: drop, mode: monitor}
		  - {name: web, to: 80/tcp, action: allow}
	E
	apply block
}

test_status() {
	prepare
	exits 0 synfw status --json
	json '.schema == "synfw.status/1" and .mode == "block"'
	json '.policy | .name == "block" and (.revision | type) == "number" and
		.lines > 2 and .kernel_bytes == 4194304 and
		(.digest | test("^[0-9a-f]{64}$")) and
		(.applied_at | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$"))'
	json '.interfaces | length == 1 and .[0].name == "eth0" and .[0].attached == true and
		.[0].xdp_mode == "native" and (.[0].packets | type) == "number" and
		(.[0].dropped | type) == "number"'
	json '.reasons | type == "object" and has("rule-drop") and has("default-drop") and
		([.[] | type] | unique) == ["number"]'
	json '.agent == {"running": false} and .warnings == []'
}

test_status_without_a_policy() {
	add_hosts
	exits 0 synfw status --json
	json '.schema == "synfw.status/1" and .policy == null and .mode == null and .interfaces == []'
}

test_show_rules() {
	prepare
	exits 0 synfw show rules --json
	json '(.schema | startswith("synfw.show")) and (.rules | length) == 4'
	json '[.rules[].name] == ["listed", "odd", "watched", "web"]'
	json '[.rules[].action] == ["drop", "score", "drop", "allow"]'
	json '[.rules[].mode] == ["block", "block", "monitor", "block"]'
	json '[.rules[].score] == [0, 60, 0, 0]'
	json '[.rules[].line] == [6, 7, 8, 9]'
	json '[.rules[] | .packets, .bytes, .would_drop] | unique == [0]'
}

test_show_sets() {
	prepare
	exits 0 synfw show sets --json
	json '(.schema | startswith("synfw.show")) and ([.sets[].name] == ["listed"])'
}

# What `status` and `show sets` say of the structures and of the memory.
costs() { # MEMORY_FILTER IPV4_SOURCES IPV6_SOURCES
	local index
	index=$(jq -n --arg four "$2" --arg six "$3" '{ipv4_sources: $four, ipv6_sources: $six} | map_values(if . == "" then null else . end) |
		. + {ipv4_destinations: null, ipv6_destinations: null}')
	exits 0 synfw status --json
	json ".policy | (.kernel_bytes | $1) and .address_index == $index"
	exits 0 synfw show sets --json
	json "(.kernel_bytes | $1) and .address_index == $index"
}

test_structures_and_memory_of_a_policy() {
	local count
	add_hosts
	for count in 600 40000; do
		seq $count | awk '{ printf "10.%d.%d.%d\n", $1 / 16384, $1 / 64 % 256, $1 % 64 * 4 }' >"$T/four$count"
	done
	seq 600 | awk '{ printf "2001:db8:%x:%x::/64\n", $1 / 256, $1 % 256 * 2 }' >"$T/six600"
	policy list <<-E
		sets: {listed: [198.51.100.7]}
		rules: [{name: listed, from: listed, action: drop}]
	E
	apply list
	costs '. == 4194304' "trie with a root of 12 bits" ""
	policy list <<-E
		sets: {listed: {file: $T/four600}}
		rules: [{name: listed, from: listed, action: drop}]
	E
	apply list
	costs '. == 4194304' "trie with a root of 18 bits" ""
	policy list <<-E
		sets: {listed: {file: $T/four40000}}
		rules: [{name: listed, from: listed, action: drop}]
	E
	apply list
	costs '. == 3 * 4194304' "trie with a root of lines" ""
	exits 0 synfw status
	grep -q "^tables: .* 12.0 MiB" "$T/out" || fail "no memory"
	grep -qx "addresses:  IPv4 sources by a trie with a root of lines" "$T/out" || fail "no structure"
	exits 0 synfw show sets
	grep -qx "12.0 MiB of kernel memory with all tables of the policy; IPv4 sources by a trie with a root of lines" "$T/out" ||
		fail "no memory and structure"
	policy list <<-E
		sets: {listed: {file: $T/six600}}
		rules: [{name: listed, from: listed, action: drop}]
	E
	apply list
	costs '. == 4194304' "" "path-compressed trie"
	add_programs
	policy list <<-E
		sets: {seen: {dynamic: true, size: 100000}}
		rules: [{name: listed, from: seen, action: drop}]
	E
	apply list
	costs '. > 4194304 + 100000 * 64 and . < 4194304 + 100000 * 128' "" ""
	policy list <<-E
		processes: [{name: bad, exec: $T/bin/bad, action: flag}]
	E
	apply list
	costs '. > 4194304 and . < 5000000' "" ""
}

# One UDP packet from 198.51.100.7 in raw IPv4, as tcpdump writes it.
write_capture() { # FILE
	printf %s d4c3b2a1020004000000000000000000ffff00006500000000000000000000001c0000001c000000 \
		4500001c0000000040110000c6336407c0000201 1388005000080000 |
		sed 's/../\\x&/g' | xargs -0 printf %b >"$1"
}

test_trace_of_a_capture() {
	prepare
	write_capture "$T/one.pcap"
	exits 1 synfw trace --pcap "$T/one.pcap" --json
	json '.packet == 1 and .verdict == "drop" and .rule == "listed"'
	head -c 50 "$T/one.pcap" >"$T/cut.pcap"
	exits 2 synfw trace --pcap "$T/cut.pcap"
	says "the capture is damaged"
	exits 2 synfw trace --pcap "$T/block.yaml"
	says "cannot read the capture"
}

test_trace() {
	prepare
	exits 1 synfw trace --from 198.51.100.7 --to 80/tcp --json
	json '. == (. + {schema: "synfw.trace/1", packet: 1, verdict: "drop", reason: "rule-drop",
		rule: "listed", line: 6, score: 0, mode: "block"})'
	exits 0 synfw trace --from 192.0.2.9 --to 80/tcp --flags none --json
	json '.verdict == "allow" and .rule == "web" and .score == 60'
	exits 1 synfw trace --from "[2001:db8::9]:1024" --to 81/tcp --json
	json '.verdict == "drop" and .rule == null and .line == null and .reason == "default-drop"'
	exits 0 synfw trace --policy "$T/block.yaml" --from 192.0.2.9 --to 80/tcp --json
	json '.rule == "web"'
}

test_trace_changes_no_counter() {
	local before
	prepare
	before=$(state)
	exits 1 synfw trace --from 198.51.100.7 --to 80/tcp
	equal "$(state)" "$before" "what the kernel holds"
}

test_apply_and_diff() {
	prepare
	exits 0 synfw diff "$T/block.yaml" --json
	json '(.schema | startswith("synfw.diff"))'
	policy more <<-E
		rules: [{name: web, to: [80/tcp, 443/tcp], action: allow}]
	E
	exits 1 synfw diff "$T/more.yaml" --json
	json '(.changes | length) > 0 and any(.changes[]; .name == "web" and .change == "changed")'
	exits 0 synfw apply "$T/more.yaml" --json
	json '.schema == "synfw.apply/1" and .policy == "more" and .dry_run == false and
		(.duration_ms | type) == "number" and .interfaces[0].name == "eth0"'
	exits 0 synfw diff "$T/more.yaml"
}

# `synfw diff FILE || synfw apply FILE` has to apply every change.
test_diff_finds_what_is_no_rule() {
	local change
	policy old <<-E
		defaults: {incoming: drop, established: allow}
		scoring: {drop-at: 100, decay: 10/min, block-for: 1h}
		logging: {limit: 50/s}
		rules: [{name: web, to: 80/tcp, score: 5}]
	E
	add_hosts
	apply old
	exits 0 synfw diff "$T/old.yaml"
	for change in "scoring s/drop-at: 100/drop-at: 90/" "scoring s/block-for: 1h/block-for: 2h/" \
		"logging s/limit: 50/limit: 60/" "established s/established: allow/established: rules/"; do
		sed "${change#* }" "$T/old.yaml" >"$T/new.yaml"
		exits 1 synfw diff "$T/new.yaml" --json
		json "(.changes | length) == 1 and .changes[0].name == \"${change%% *}\""
	done
}

test_check() {
	prepare
	exits 0 synfw check "$T/block.yaml" --json
	json '.schema == "synfw.check/1"'
	policy bad <<-E
		rules: [{name: web, to: 80/tpc, action: allow}]
	E
	exits 3 synfw check "$T/bad.yaml" --json
	json '.schema == "synfw.check/1"'
}

test_results_and_messages_go_apart() {
	prepare
	exits 0 synfw apply "$T/block.yaml" --json
	json 'type == "object"'
	equal "$(wc -l <"$T/out")" 1 "lines on stdout"
	exits 2 synfw check "$T/missing.yaml"
	[ -s "$T/err" ] || fail "no message on stderr"
	[ ! -s "$T/out" ] || fail "a message on stdout"
	! grep -q $'\e' "$T/err" || fail "colour without a terminal"
}

test_version_schema_explain_help() {
	add_hosts
	exits 0 synfw version --json
	json '.schema == "synfw.version/1"'
	exits 0 synfw schema
	json 'type == "object" and has("$schema")'
	exits 0 synfw explain rules.from --json
	json '(.schema | startswith("synfw.explain"))'
	exits 0 synfw help
	grep -q apply "$T/out" || fail "help does not name apply"
}
