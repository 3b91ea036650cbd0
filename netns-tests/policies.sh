# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# The policies that people start from are right, and drop what they say.

N=31

in_force() { # NAME: applies the shipped policy, whose own tests pass with that
	add_hosts
	exits 0 synfw check "$SOURCE/policies/$1.yaml"
	warns_of_nothing
	exits 0 synfw apply "$SOURCE/policies/$1.yaml"
	equal "$(live_policy)" "$1" "policy in force"
	grep -q '^tests:' "$SOURCE/policies/$1.yaml" || fail "$1 has no tests"
}

from() { # SOURCE WORDS: a packet to the edge
	case $1 in
	*:*) echo "src=$1,dst=$EDGE6,$2" ;;
	*) echo "src=$1,dst=$EDGE4,$2" ;;
	esac
}

test_every_policy_is_enforced_here() {
	local file name
	for file in "$SOURCE"/policies/*.yaml; do
		name=$(basename "$file" .yaml)
		declare -F "test_${name//-/_}" >/dev/null || fail "no case for $name.yaml"
	done
}

test_edge_web() {
	in_force edge-web
	passes $N "$(from 198.51.100.7 proto=tcp,dport=80)"
	passes $N "$(from 2001:db8::7 proto=udp,dport=443)"
	drops $N "$(from 198.51.100.7 proto=tcp,dport=23)"
	drops $N "$(from 2001:db8::7 proto=tcp,dport=21)"
	drops $N "$(from 203.0.113.5 proto=tcp,dport=80)"
	drops $N "$(from 2001:db8:bad::5 proto=tcp,dport=80)"
	passes $N "$(from 10.20.1.1 proto=tcp,dport=22)"
	drops $N "$(from 198.51.100.7 proto=tcp,dport=22)"
	drops $N "$(from 198.51.100.66 proto=tcp,dport=40000,flags=0x29)"
	drops $N "$(from 198.51.100.7 proto=tcp,sport=443,dport=40000,flags=0x12)"
	drops $N "$(from 198.51.100.7 proto=udp,sport=53,dport=40000)"
	exits 0 synfw trace --from 2001:db8::7 --to mld2-listener-report/icmpv6 --json
	json '.reason == "icmp-essential"'
	equal "$(rule web)" $((2 * N)) "web"
	equal "$(rule legacy-cleartext)" $((2 * N)) "legacy-cleartext"
	equal "$(rule known-bad)" $((2 * N)) "known-bad"
	# twice 60 points are more than 100: the second packet blocks its source
	equal "$(rule xmas-scan)" 2 "xmas-scan"
	equal "$(reason score)" 1 "score"
	equal "$(reason blocked)" $((N - 2)) "blocked"
	equal "$(rule dns-reflection)" $N "dns-reflection"
	equal "$(reason protected)" $N "protected"
	equal "$(reason default-drop)" $((2 * N + 1)) "default-drop"
}

# What the rules on programs name is where they say, in a mount namespace of its own: copies of perl, which
# do what an intruder would make the real ones do. The policy is applied there, too, so that these files are
# known by more than a name, which anybody can give them.
begin_programs() {
	# shellcheck disable=SC2016 # the inner shell's
	unshare --mount --propagation private sh -ec 'mount -t tmpfs none /usr/sbin
		for name in nginx apache2 haproxy sshd other; do cp /usr/bin/perl /usr/sbin/$name; done
		echo >"$0/there"
		exec sleep 3600' "$T" &
	PROGRAMS=$!
	for _ in $(seq 100); do
		if [ -e "$T/there" ]; then break; fi
		sleep 0.1
	done
	[ -e "$T/there" ] || fail "there are no programs"
	synfw() { among_programs "$SYNFW" "$@"; }
}

among_programs() { on_edge nsenter --mount="/proc/$PROGRAMS/ns/mnt" "$@"; }

as() { # USER COMMAND...
	local user=$1
	shift
	among_programs setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups "$@"
}

becomes() { # USER PROGRAM WORD...: the signal that ends WORD..., which PROGRAM starts, or 0
	local user=$1 program=$2
	shift 2
	# shellcheck disable=SC2016 # Perl's
	as "$user" "$program" -e 'system { $ARGV[0] } @ARGV; print $? & 127' "$@"
}

# What it is told that asks for a socket: "ok", or 1, which is EPERM. First it runs PERL.
socket_of() { # USER PROGRAM [PERL]
	# shellcheck disable=SC2016 # Perl's
	as "$1" "$2" -MSocket -e "${3:-}"';
		print socket(my $socket, PF_INET, SOCK_STREAM, 0) ? "ok" : $! + 0'
}

# A mapping of 4 KiB, or of as many bytes, that can be read, written to and executed as PROT says.
map() { echo "syscall(9, 0, ${2:-4096}, $1, 0x4022, -1, 0) > 0 or die"; } # PROT [BYTES]

test_edge_web_programs() {
	local program
	chmod 711 "$T"
	mkdir "$T/bin"
	for program in brought packed own; do cp /usr/bin/perl "$T/bin/$program"; done
	begin_programs
	in_force edge-web
	equal "$(becomes www-data /usr/sbin/nginx /bin/sh -c true)" 9 "a shell of nginx"
	equal "$(becomes www-data /usr/sbin/nginx /bin/true)" 0 "another program of nginx"
	equal "$(becomes www-data /usr/sbin/other /bin/sh -c true)" 0 "a shell of another program"
	equal "$(becomes www-data /usr/sbin/apache2 /bin/sh -c true)" 0 "a shell of apache2"
	equal "$(process_rule shell-from-web-server)" 1 "matches of the rule about nginx"
	equal "$(process_rule shell-from-application)" 1 "matches of the rule about apache2"

	equal "$(socket_of nobody "$T/bin/brought")" ok "a program below /tmp"
	equal "$(socket_of nobody "$T/bin/brought")" 1 "the same once more"
	equal "$(socket_of nobody "$T/bin/packed" "$(map 7)")" 1 "another that unpacks itself"
	equal "$(socket_of root "$T/bin/own" "$(map 3)")$(socket_of root "$T/bin/own")" okok "one of root"
	equal "$(socket_of www-data /usr/bin/perl)" ok "an interpreter of www-data"

	equal "$(process_rule unpacks-itself)" 1 "matches of the rule about what unpacks itself"
	exits 0 as root /usr/sbin/other -e "$(map 7)"
	exits 0 as root /usr/sbin/sshd -e "$(map 7)"
	exits 0 as root /usr/sbin/haproxy -e "$(map 7)"
	exits 0 as root /usr/sbin/nginx -e "$(map 0 $((3 << 30)))"
	exits 0 synfw events --json
	jq -es --arg bin "$T/bin" 'map(select(.path | test("^(/usr/s?bin/(dash|sshd|other|haproxy|nginx)|\($bin)/.*)$")) |
		[(.path | sub(".*/"; "")), .event, .action, .rule, .spared]) == [
		["dash", "exec", "kill", "shell-from-web-server", false],
		["dash", "exec", "flag", "shell-from-application", false],
		["brought", "exec", "flag", "exec-from-tmp", false],
		["brought", "exec", "isolate", "exec-from-tmp", false],
		["packed", "exec", "flag", "exec-from-tmp", false],
		["packed", "wx-mapping", "isolate", "writable-and-executable", false],
		["other", "wx-mapping", "flag", "writable-and-executable", false],
		["sshd", "wx-mapping", "flag", "writable-and-executable", true],
		["nginx", "allocation", "flag", "huge-allocation", false]]' "$T/out" >/dev/null ||
		{ cat "$T/out" >&2; fail "events are not as expected"; }
	exits 0 synfw detach
	equal "$(becomes www-data /usr/sbin/nginx /bin/sh -c true)" 0 "a shell of nginx without a policy"
	equal "$(socket_of nobody "$T/bin/brought")" ok "a program below /tmp without a policy"
}

test_ssh_only() {
	in_force ssh-only
	passes $N "$(from 198.51.100.7 proto=tcp,dport=22)"
	passes $N "$(from 2001:db8::7 proto=tcp,dport=22)"
	drops $N "$(from 198.51.100.7 proto=tcp,dport=80)"
	drops $N "$(from 198.51.100.7 proto=udp,dport=53)"
	passes $N "$(from 198.51.100.7 proto=icmp,type=8)"
	drops $N "$(from 198.51.100.7 proto=tcp,sport=80,dport=50000,flags=0x10)"
}

test_monitor_first() {
	begin_programs
	in_force monitor-first
	passes $N "$(from 198.51.100.7 proto=tcp,dport=3306)"
	equal "$(rule everything-else would_drop)" $N "packets that would be dropped"
	equal "$(becomes www-data /usr/sbin/nginx /bin/sh -c true)" 0 "a shell of nginx"
	equal "$(process_rule shell-from-web-server would)" 1 "shells that would be killed"
}

test_blocklist() {
	in_force blocklist
	drops $N "$(from 203.0.113.200 proto=tcp,dport=80)"
	drops $N "$(from 203.0.113.200 proto=udp,fragment=10)"
	passes $N "$(from 203.0.113.200 proto=tcp,dport=25)"
	passes $N "$(from 198.51.100.7 proto=tcp,dport=80)"
	equal "$(rule listed-source)" $((2 * N)) "listed-source"
}

test_gateway_vlans() {
	in_force gateway-vlans
	passes $N "proto=udp,src=10.0.30.5,dst=10.0.30.1,dport=53,vlan=30"
	drops $N "proto=tcp,src=10.0.30.5,dst=198.51.100.1,dport=443,vlan=30"
	drops $N "proto=tcp,src=10.0.20.5,dst=10.0.30.1,dport=8883,vlan=30"
	passes $N "proto=tcp,src=10.0.20.5,dst=198.51.100.1,dport=443,vlan=20"
	drops $N "proto=tcp,src=10.0.20.5,dst=10.0.10.5,dport=443,vlan=20"
	drops $N "proto=tcp,src=10.0.10.5,dst=198.51.100.1,dport=443"
	equal "$(rule thing-contained)" $N "thing-contained"
	equal "$(rule forged-thing)" $N "forged-thing"
	equal "$(rule office-to-private)" $N "office-to-private"
}

test_missing_blocklist_is_not_taken_for_an_empty_one() {
	add_hosts
	cp -r "$SOURCE/policies" "$T/policies"
	rm "$T/policies/feeds/blocklist.netset"
	exits 3 synfw apply "$T/policies/edge-web.yaml"
	says blocklist.netset
}
