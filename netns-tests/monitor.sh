# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Monitor mode decides and counts, and drops nothing.

N=113
telnet="proto=tcp,src=$CLIENT4,dst=$EDGE4,dport=23"
other="proto=tcp,src=$CLIENT4,dst=$EDGE4,dport=99"

test_policy_that_monitors() {
	policy watch <<-E
		mode: monitor
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	add_hosts
	apply watch
	passes $N "$telnet"
	passes $N "$other"
	equal "$(rule telnet)" $N "packets"
	equal "$(rule telnet would_drop)" $N "packets that would be dropped"
	equal "$(reason rule-drop)" $N "verdicts of rules"
	equal "$(reason default-drop)" $N "verdicts of the default"
	equal "$(of_interface eth0 dropped)" 0 "packets that were dropped"
	exits 0 synfw status --json
	json '.mode == "monitor"'
	exits 1 synfw trace --from $CLIENT4 --to 23/tcp --json
	json '.verdict == "drop" and .mode == "monitor" and .rule == "telnet"'
}

test_rule_that_monitors() {
	policy watch <<-E
		rules:
		  - {name: telnet, to: 23/tcp, action: drop, mode: monitor}
		  - {name: low-ports, to: 1-50/tcp, action: allow}
	E
	add_hosts
	apply watch
	passes $N "$telnet"
	drops $N "$other"
	equal "$(rule telnet)" $N "packets of the rule that monitors"
	equal "$(rule telnet would_drop)" $N "packets that it would drop"
	equal "$(rule low-ports)" $N "packets of the rule that decides"
	equal "$(rule low-ports would_drop)" 0 "packets that it would drop"
	equal "$(of_interface eth0 dropped)" $N "packets that were dropped"
}

test_switch_to_block_keeps_the_counters() {
	policy watch <<-E
		mode: monitor
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	policy block <<-E
		rules: [{name: telnet, to: 23/tcp, action: drop}]
	E
	add_hosts
	apply watch
	passes $N "$telnet"
	apply block
	drops $N "$telnet"
	equal "$(rule telnet)" $((2 * N)) "packets"
	equal "$(rule telnet would_drop)" $N "packets that would be dropped"
}
