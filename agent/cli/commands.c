/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of subcommands. */
#include <stdint.h>

#include "command.h"

static const struct command_option json_options[] = {OPTION_JSON, OPTION_HELP, OPTION_END};
static const struct command_option plain_options[] = {OPTION_HELP, OPTION_END};

static const struct command_option apply_options[] = {
	{"interface", 'i', "IF", "attach to IF instead of what the policy names; may be repeated"},
	{"dry-run", 'n', NULL, "do everything up to the first change, then stop"},
	{"force", 'f', NULL, "apply even if it cuts the SSH connection in use"},
	OPTION_JSON,
	OPTION_HELP,
	OPTION_END,
};

static const struct command_option trace_options[] = {
	{"policy", 'p', "FILE", "judge by FILE instead of the policy in force"},
	{"from", 0, "ADDR[:PORT]", "source; an IPv6 address with a port goes in brackets"},
	{"to", 0, "[ADDR:]PORT/PROTO", "destination: 443/tcp, 192.0.2.1:53/udp, echo-request/icmp"},
	{"flags", 0, "FLAGS", "TCP flags, as in a rule: syn,ack (default: syn)"},
	{"interface", 'i', "IF", "where the packet comes in (default: the policy's first)"},
	{"vlan", 0, "ID", "its VLAN tag"},
	{"pcap", 'r', "FILE", "judge every packet of a capture"},
	{"exec", 0, "PATH", "ask about a program instead: the file that is executed, or memfd"},
	{"user", 0, "USER", "who executes it, a name or number (default: root)"},
	{"group", 0, "GROUP", "with which group (default: root's)"},
	{"parent", 0, "PATH", "the file that its parent runs"},
	{"ancestor", 0, "PATH", "the file that an ancestor runs"},
	{"arg", 0, "TEXT", "an argument, without the program's name; may be repeated"},
	OPTION_JSON,
	OPTION_HELP,
	OPTION_END,
};
_Static_assert(sizeof(trace_options) / sizeof(*trace_options) <= COMMAND_MAX_OPTIONS + 1,
	       "room for the values of every option");

static const struct command_option set_options[] = {
	{"for", 0, "DURATION", "how long the address stays, as 36h, instead of what the set says"},
	OPTION_JSON,
	OPTION_HELP,
	OPTION_END,
};

static const struct command_option block_options[] = {
	{"for", 0, "DURATION", "how long, as 36h (default: until it is unblocked)"},
	{"force", 'f', NULL, "even the address that the SSH connection in use comes from"},
	OPTION_JSON,
	OPTION_HELP,
	OPTION_END,
};

static const struct command_option unblock_options[] = {
	{"all", 0, NULL, "all sources, and forget all scores"},
	OPTION_JSON,
	OPTION_HELP,
	OPTION_END,
};

static const struct command_option release_options[] = {
	{"all", 0, NULL, "all processes, and forget all their scores"},
	OPTION_JSON,
	OPTION_HELP,
	OPTION_END,
};

static const struct command_option show_options[] = {
	{"all", 'a', NULL,
	 "of blocks, also those that have ended and whose offences are remembered"},
	OPTION_JSON,
	OPTION_HELP,
	OPTION_END,
};

static const struct command_option events_options[] = {
	{"follow", 'f', NULL, "wait for more, until a signal comes"},
	{"json", 'j', NULL, "print one JSON object a line"},
	OPTION_HELP,
	OPTION_END,
};

static const struct command_option help_options[] = {
	{"completion", 0, "SHELL", "print a completion script; SHELL is bash"},
	OPTION_HELP,
	OPTION_END,
};

const struct command commands[] = {
	{"check", "FILE", 1, 1, "say everything that is wrong with a policy",
	 "Needs no rights and no kernel: syntax, meaning, set files, rules that can never match,\n"
	 "and the size of the tables.",
	 "@file", json_options, cmd_check},
	{"apply", "FILE", 1, 1, "put a policy in force, without detaching and without a gap",
	 "Compiles the policy, fills new tables, reads them back, runs the policy's tests on a\n"
	 "shadow program and checks that your SSH connection survives; only then switches over\n"
	 "in one store. Whatever fails before leaves the running policy untouched.",
	 "@file", apply_options, cmd_apply},
	{"diff", "FILE", 1, 1, "compare a policy with the one in force",
	 "Exits with 1 when they differ.", "@file", json_options, cmd_diff},
	{"status", "", 0, 0, "what is in force, and whether it really is", NULL, "", json_options,
	 cmd_status},
	{"show", "rules|sets|blocks|scores|flows|processes", 1, 1,
	 "list rules with their counters, sets, blocked sources, scores, connections, or processes",
	 NULL, "rules sets blocks scores flows processes", show_options, cmd_show},
	{"set", "add|del|list NAME [ADDR...]", 2, SIZE_MAX,
	 "add, take out or list members of a dynamic set",
	 "Takes effect with the next packet, and stays over a reload of the policy. With - for "
	 "ADDR,\n"
	 "addresses come from standard input, one a line.\n\n"
	 "  synfw set add brute-forcers 198.51.100.7 --for 1h\n"
	 "  synfw set add brute-forcers - <addresses.txt\n"
	 "  synfw set del brute-forcers 198.51.100.7\n"
	 "  synfw set list brute-forcers --json",
	 "add del list", set_options, cmd_set},
	{"block", "ADDR...", 1, SIZE_MAX, "drop all that comes from an address, from now on",
	 "Ends on time by itself, and holds whatever else the rules say; `protect` goes before "
	 "it.\n"
	 "Addresses that the policy protects, and this host's own and its gateways, are refused,\n"
	 "and the one that the SSH connection in use comes from, unless with --force.\n"
	 "\"-\" reads addresses from the standard input.\n\n"
	 "  synfw block 198.51.100.7 --for 1h\n"
	 "  synfw block - <addresses",
	 "", block_options, cmd_block},
	{"unblock", "[ADDR...]", 0, SIZE_MAX, "take a block back, and forget the score",
	 "Exits with 1 when nothing was held against an address.", "", unblock_options,
	 cmd_unblock},
	{"release", "[PID...]", 0, SIZE_MAX,
	 "take the flag or the isolation of a process back, and forget its score",
	 "Those of its children that began with what it is held for are let go as well. Exits "
	 "with 1\n"
	 "when a process was not held for anything.\n\n"
	 "  synfw why 4711\n"
	 "  synfw release 4711",
	 "", release_options, cmd_release},
	{"why", "WHO", 1, 1,
	 "say what is held against an address or a process, since when, and how to undo it",
	 "Blocks, score, dynamic sets, and the entries of the policy that name it. Exits with 1 "
	 "when\n"
	 "it is blocked. Of a process, given by its number: what it is flagged or isolated for; "
	 "exits with 1 when it "
	 "is\n"
	 "isolated.",
	 "", json_options, cmd_why},
	{"events", "", 0, 0,
	 "say which packets were dropped, which sources flagged and blocked, and what processes "
	 "did",
	 "Prints the events that nobody has read yet, a line each; with -f goes on until Ctrl-C.\n"
	 "Each event has one reader. What is told, `logging` of the policy says.\n\n"
	 "  synfw events -f --json | jq 'select(.kind == \"block\")'",
	 "", events_options, cmd_events},
	{"trace", "", 0, 0, "say what becomes of a packet or a program, and by which rule",
	 "Judges one packet (--from, --to) or a capture (--pcap) on the shadow program: the same\n"
	 "code as in force, changing no counter. Exits with 1 when a packet would be dropped.\n"
	 "With --exec judges a program by the rules on processes; exits with 1 when it would be\n"
	 "isolated, killed or denied.\n\n"
	 "  synfw trace --from 198.51.100.7 --to 23/tcp\n"
	 "  synfw trace --policy new.yaml --from \"[2001:db8::1]:53\" --to 1024/udp\n"
	 "  synfw trace --pcap odd.pcap --json\n"
	 "  synfw trace --exec /tmp/x --user nobody --parent /usr/sbin/nginx",
	 "", trace_options, cmd_trace},
	{"detach", "", 0, 0, "take the policy out of force and remove everything",
	 "Packets pass unfiltered from then on; counters are lost.", "", json_options, cmd_detach},
	{"explain", "[KEY]", 0, 1, "explain a key of the policy language: explain rules.from",
	 "Without KEY, lists all keys.", "", json_options, cmd_explain},
	{"schema", "", 0, 0, "print the JSON Schema of the policy language", NULL, "",
	 plain_options, cmd_schema},
	{"version", "", 0, 0, "print versions", NULL, "", json_options, cmd_version},
	{"help", "[COMMAND]", 0, 1, "explain a command", NULL, "@command", help_options, cmd_help},
};

const size_t nr_commands = sizeof(commands) / sizeof(*commands);
