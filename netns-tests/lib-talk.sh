# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash
# Sourced by topics whose cases have a program on the edge talk with the client: real programs, and
# real connections.

PORT=4711

# The client answers by TCP and UDP: what it is told, it tells.
serve() { # on the client, under any of its addresses
	# shellcheck disable=SC2016
	on_client /usr/bin/perl -MIO::Socket::IP -MIO::Select -e '
		my %of = (LocalPort => shift, LocalAddr => "::", V6Only => 0);
		my $tcp = IO::Socket::IP->new(%of, Listen => 8, ReuseAddr => 1) or die $@;
		my $udp = IO::Socket::IP->new(%of, Proto => "udp", Type => SOCK_DGRAM) or die $@;
		my ($all, $text) = IO::Select->new($tcp, $udp);
		open my $ready, ">", shift; close $ready;
		while (my @ready = $all->can_read) {
			for (@ready) {
				if ($_ == $tcp) { $all->add(scalar $tcp->accept); next; }
				if ($_ == $udp) { my $from = $udp->recv($text, 64); $udp->send($text, 0, $from); next; }
				sysread($_, $text, 64) ? syswrite($_, $text) : $all->remove($_);
			}
		}' $PORT "$T/serves" &
	local i
	for i in $(seq 50); do [ ! -e "$T/serves" ] || return 0; sleep 0.1; done
	fail "the client does not serve"
}

prepare() {
	add_hosts
	add_ipv6
	add_programs
	cp /usr/bin/perl "$T/bin/talks"
	add_addresses "$CLIENT" eth0 192.0.2.3/24 192.0.2.4/24 2001:db8:0:1::3/64
	ip -n "$EDGE" route add 2001:db8:0:1::/64 dev eth0
	ip -n "$CLIENT" route add 2001:db8::/64 dev eth0 src 2001:db8:0:1::3
	serve
}

# A program of its own name, on the edge, that does lines of perl: `connects` and `asks` are what they are about.
# shellcheck disable=SC2016
TALK='use Socket qw(:all); $| = 1; my %s;
	sub connects { my ($name, $to) = @_; my ($e, @r) = getaddrinfo($to, 4711, {socktype => SOCK_STREAM, flags => AI_NUMERICHOST});
		socket($s{$name}, $r[0]{family}, SOCK_STREAM, 0) && connect($s{$name}, $r[0]{addr}) ? "ok" : "not"; }
	sub sends { my ($name, $to) = @_; my ($e, @r) = getaddrinfo($to, 4711, {socktype => SOCK_DGRAM, flags => AI_NUMERICHOST});
		socket($s{$name}, $r[0]{family}, SOCK_DGRAM, 0) or return "not";
		send($s{$name}, "x", 0, $r[0]{addr}) ? "ok" : "not"; }
	sub answers { my ($name) = @_; my $bits = ""; vec($bits, fileno($s{$name}), 1) = 1;
		select($bits, undef, undef, 0.7) > 0 && sysread($s{$name}, my $text, 64) ? "yes" : "no"; }
	sub asks { my ($name) = @_; syswrite($s{$name}, "x"); answers($name); }
	open F, "<", $ARGV[0] or die; while (<F>) { my $said = eval; print "$said\ndone\n"; }'

begin_talk() { # PROGRAM
	mkfifo "$T/work"
	on_edge "$T/bin/$1" -e "$TALK" "$T/work" >"$T/worked" &
	TALKER=$!
	exec 8>"$T/work"
	local i
	for i in $(seq 50); do
		WORKER=$(pgrep -f "^$T/bin/$1 -e" | head -n 1) || WORKER=
		[ -z "$WORKER" ] || return 0
		sleep 0.1
	done
	fail "$1 does not run"
}

talk() { # LINE: says what came of it
	work "$1"
	said
}

# The program that talks accepts a connection, as "a", and reads from it.
accept_from() { # ADDRESS of the client
	# shellcheck disable=SC2016
	equal "$(talk 'socket($s{l}, AF_INET, SOCK_STREAM, 0); bind($s{l}, sockaddr_in(4712, INADDR_ANY)) && listen($s{l}, 5) ? "ok" : "not"')" ok "a server"
	# shellcheck disable=SC2016
	on_client /usr/bin/perl -MIO::Socket::IP -e '
		my $s = IO::Socket::IP->new(PeerAddr => "192.0.2.1", PeerPort => 4712, LocalAddr => shift) or die $@;
		syswrite($s, "x"); sleep 20' "$1" &
	# shellcheck disable=SC2016
	equal "$(talk 'accept($s{a}, $s{l}) && answers("a")')" yes "what is accepted and read"
}

end_talk() {
	kill "$WORKER"
	exec 8>&-
	wait $TALKER 2>/dev/null || true
	rm "$T/work"
}

MORE="defaults: {incoming: allow, established: allow}"
