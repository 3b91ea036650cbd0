/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every awkward shape of a packet once, with the reason that it must end in. The random test shows
 * that the three implementations agree; this one, that what they agree about is right. Each frame
 * is also cut at every byte.
 */
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>

#include <synfw/cleanup.h>

#include "model/frame.h"
#include "base/must.h"
#include "harness/trial.h"
#include "verdicts/verdicts.h"

#define TCP    6
#define UDP    17
#define ICMP   1
#define ICMPV6 58
#define SCTP   132

struct shape {
	const char *claim;
	enum synfw_reason reason;
	struct frame_spec spec;
};

#define REASON(name) SYNFW_REASON_##name
#define SYN	     .tcp_flags = SYNFW_TCP_SYN
#define TAG(id)            \
	{                  \
		0x8100, id \
	}
#define EXT(type)       \
	{               \
		type, 0 \
	}

/* clang-format off: one a line reads as a table */
/* What reaches the rules ends in RULE_DROP for port 23, else in DEFAULT_ALLOW. */
static const struct shape shapes[] = {
	{"plain TCP is judged by rules",
	 REASON(RULE_DROP),
	 {.family = 4, .proto = TCP, .dport = 23, SYN}},
	{"a frame may be longer than a page",
	 REASON(RULE_DROP),
	 {.family = 4, .proto = TCP, .payload = 9000, .dport = 23, SYN}},
	{"its neighbour passes",
	 REASON(DEFAULT_ALLOW),
	 {.family = 4, .proto = TCP, .dport = 24, SYN}},
	{"ports are found behind IPv4 options",
	 REASON(RULE_DROP),
	 {.family = 4, .proto = TCP, .option_words = 10, .dport = 23, SYN}},
	{"ports are found behind two tags",
	 REASON(RULE_DROP),
	 {.family = 4,
	  .proto = TCP,
	  .nr_tags = 2,
	  .tags = {{0x88a8, 5}, TAG(6)},
	  .dport = 23,
	  SYN}},
	{"a third tag is too many",
	 REASON(TOO_MANY_TAGS),
	 {.family = 4, .proto = TCP, .nr_tags = 3, .tags = {TAG(1), TAG(2), TAG(3)}, .dport = 23}},
	{"a tag of another kind is an ethertype",
	 REASON(ETHERTYPE),
	 {.family = 4, .proto = TCP, .nr_tags = 1, .tags = {{0x9100, 5}}, .dport = 23}},
	{"the outermost tag counts",
	 REASON(RULE_ALLOW),
	 {.family = 4, .proto = UDP, .nr_tags = 2, .tags = {TAG(77), TAG(5)}, .dport = 9}},
	{"the inner tag does not count",
	 REASON(DEFAULT_ALLOW),
	 {.family = 4, .proto = UDP, .nr_tags = 2, .tags = {TAG(5), TAG(77)}, .dport = 9}},
	{"a priority tag is no VLAN: the next tag counts",
	 REASON(RULE_ALLOW),
	 {.family = 4, .proto = UDP, .nr_tags = 2, .tags = {TAG(0), TAG(77)}, .dport = 9}},
	{"a priority tag of the other kind neither",
	 REASON(RULE_ALLOW),
	 {.family = 4, .proto = UDP, .nr_tags = 2, .tags = {{0x88a8, 0}, TAG(77)}, .dport = 9}},
	{"priority bits are not part of the id",
	 REASON(RULE_ALLOW),
	 {.family = 4, .proto = UDP, .nr_tags = 1, .tags = {TAG(0xe000 | 77)}, .dport = 9}},
	{"ARP passes", REASON(ARP), {.ethertype = FRAME_SET(0x0806), .family = 4, .proto = TCP}},
	{"LLDP is an ethertype",
	 REASON(ETHERTYPE),
	 {.ethertype = FRAME_SET(0x88cc), .family = 4, .proto = TCP}},
	{"an 802.3 length is an ethertype",
	 REASON(ETHERTYPE),
	 {.ethertype = FRAME_SET(0x0026), .family = 4, .proto = TCP}},
	{"IPv4 of version 5 is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = TCP, .version = FRAME_SET(5), .dport = 23}},
	{"IPv4 of 4 words is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = TCP, .ihl = FRAME_SET(4), .dport = 23}},
	{"IPv4 options beyond the frame are cut off",
	 REASON(TRUNCATED),
	 {.family = 4, .proto = UDP, .ihl = FRAME_SET(15)}},
	{"a total length below the header is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = TCP, .ip_length = FRAME_SET(19), .dport = 23}},
	{"a total length beyond the frame is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = TCP, .ip_length = FRAME_SET(41), .dport = 23}},
	{"padding is not read as a transport header",
	 REASON(TRUNCATED),
	 {.family = 4, .proto = TCP, .ip_length = FRAME_SET(39), .padding = 20, .dport = 23}},
	{"a later fragment has no ports",
	 REASON(FRAGMENT),
	 {.family = 4, .proto = TCP, .fragment_offset = 1, .dport = 23}},
	{"a first fragment is judged by its ports",
	 REASON(RULE_DROP),
	 {.family = 4, .proto = TCP, .more_fragments = true, .dport = 23, SYN}},
	{"a first fragment does not hold the whole datagram",
	 REASON(DEFAULT_ALLOW),
	 {.family = 4, .proto = UDP, .more_fragments = true, .udp_length = FRAME_SET(1400)}},
	{"a UDP length beyond the packet is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = UDP, .udp_length = FRAME_SET(9)}},
	{"a UDP length below its header is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = UDP, .udp_length = FRAME_SET(7)}},
	{"a UDP length of 0 is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = UDP, .udp_length = FRAME_SET(0)}},
	{"a TCP header of 4 words is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = TCP, .doff = FRAME_SET(4), .dport = 23}},
	{"a TCP header beyond the packet is bad",
	 REASON(BAD_HEADER),
	 {.family = 4, .proto = TCP, .doff = FRAME_SET(6), .padding = 8, .dport = 23}},
	{"SYN with FIN is impossible",
	 REASON(BAD_FLAGS),
	 {.family = 4, .proto = TCP, .tcp_flags = 0x03, .dport = 24}},
	{"SYN with RST is impossible",
	 REASON(BAD_FLAGS),
	 {.family = 4, .proto = TCP, .tcp_flags = 0x16, .dport = 24}},
	{"no flags at all are left to the rules",
	 REASON(DEFAULT_ALLOW),
	 {.family = 4, .proto = TCP, .tcp_flags = 0, .dport = 24}},
	{"SCTP has ports", REASON(RULE_DROP), {.family = 4, .proto = SCTP, .dport = 23}},
	{"ESP has none", REASON(DEFAULT_ALLOW), {.family = 4, .proto = 50, .payload = 20}},
	{"errors are essential",
	 REASON(ICMP_ESSENTIAL),
	 {.family = 4, .proto = ICMP, .icmp_type = 3}},
	{"echo is essential when no rule decides",
	 REASON(ICMP_ESSENTIAL),
	 {.family = 4, .proto = ICMP, .icmp_type = 8}},
	{"a redirect is not essential",
	 REASON(DEFAULT_ALLOW),
	 {.family = 4, .proto = ICMP, .icmp_type = 5}},
	{"ICMP over IPv6 is no ICMP",
	 REASON(DEFAULT_ALLOW),
	 {.family = 6, .proto = ICMP, .icmp_type = 3}},
	{"ICMPv6 over IPv4 is no neighbour discovery",
	 REASON(DEFAULT_ALLOW),
	 {.family = 4, .proto = ICMPV6, .icmp_type = 135, .hop_limit = 255}},
	{"a multicast listener query is essential",
	 REASON(ICMP_ESSENTIAL),
	 {.family = 6, .proto = ICMPV6, .icmp_type = 130, .hop_limit = 1}},
	{"ICMP of 7 bytes is cut off",
	 REASON(TRUNCATED),
	 {.family = 4, .proto = ICMP, .icmp_type = 3, .ip_length = FRAME_SET(27)}},
	{"ICMPv6 of 4 bytes is whole",
	 REASON(ICMP_ESSENTIAL),
	 {.family = 6, .proto = ICMPV6, .icmp_type = 1, .ip_length = FRAME_SET(4)}},
	{"ICMPv6 of 3 bytes is cut off",
	 REASON(TRUNCATED),
	 {.family = 6, .proto = ICMPV6, .icmp_type = 1, .ip_length = FRAME_SET(3)}},
	{"neighbour discovery comes with 255 hops",
	 REASON(ICMP_ESSENTIAL),
	 {.family = 6, .proto = ICMPV6, .icmp_type = 135, .hop_limit = 255}},
	{"forwarded neighbour discovery is forged",
	 REASON(BAD_HEADER),
	 {.family = 6, .proto = ICMPV6, .icmp_type = 135, .hop_limit = 254}},
	{"packet too big may come from afar",
	 REASON(ICMP_ESSENTIAL),
	 {.family = 6, .proto = ICMPV6, .icmp_type = 2, .hop_limit = 5}},
	{"IPv6 of version 4 is bad",
	 REASON(BAD_HEADER),
	 {.family = 6, .proto = TCP, .version = FRAME_SET(4), .dport = 23}},
	{"a payload length beyond the frame is bad",
	 REASON(BAD_HEADER),
	 {.family = 6, .proto = TCP, .ip_length = FRAME_SET(21), .dport = 23}},
	{"a payload length of 0 leaves no room for TCP",
	 REASON(TRUNCATED),
	 {.family = 6, .proto = TCP, .ip_length = FRAME_SET(0), .dport = 23}},
	{"no next header needs no payload", REASON(DEFAULT_ALLOW), {.family = 6, .proto = 59}},
	{"a jumbogram ends with its frame",
	 REASON(RULE_DROP),
	 {.family = 6,
	  .proto = TCP,
	  .nr_ext = 1,
	  .ext = {EXT(0)},
	  .ip_length = FRAME_SET(0),
	  .dport = 23,
	  SYN}},
	{"UDP in a jumbogram has length 0",
	 REASON(DEFAULT_ALLOW),
	 {.family = 6,
	  .proto = UDP,
	  .nr_ext = 1,
	  .ext = {EXT(0)},
	  .ip_length = FRAME_SET(0),
	  .udp_length = FRAME_SET(0)}},
	{"four kinds of extension headers are walked",
	 REASON(RULE_DROP),
	 {.family = 6,
	  .proto = TCP,
	  .nr_ext = 4,
	  .dport = 23,
	  SYN,
	  .ext = {{0, 3}, EXT(60), {43, 2}, EXT(44)}}},
	{"mobility is not walked: Linux delivers nothing behind it",
	 REASON(DEFAULT_ALLOW),
	 {.family = 6, .proto = TCP, .nr_ext = 1, .dport = 23, SYN, .ext = {EXT(135)}}},
	{"HIP is not walked",
	 REASON(DEFAULT_ALLOW),
	 {.family = 6, .proto = TCP, .nr_ext = 1, .dport = 23, SYN, .ext = {EXT(139)}}},
	{"eight are walked",
	 REASON(RULE_DROP),
	 {.family = 6,
	  .proto = TCP,
	  .nr_ext = 8,
	  .dport = 23,
	  SYN,
	  .ext = {EXT(0), EXT(60), EXT(60), EXT(60), EXT(60), EXT(60), EXT(60), EXT(60)}}},
	{"a ninth is too many",
	 REASON(TOO_MANY_HEADERS),
	 {.family = 6,
	  .proto = TCP,
	  .nr_ext = 9,
	  .dport = 23,
	  SYN,
	  .ext = {EXT(0), EXT(60), EXT(60), EXT(60), EXT(60), EXT(60), EXT(60), EXT(60), EXT(60)}}},
	{"AH is not walked",
	 REASON(DEFAULT_ALLOW),
	 {.family = 6, .proto = 51, .payload = 40, .dport = 23}},
	{"an extension header beyond the packet is cut off",
	 REASON(TRUNCATED),
	 {.family = 6, .proto = TCP, .nr_ext = 1, .ext = {{60, 1}}, .ip_length = FRAME_SET(15)}},
	{"an atomic fragment is whole",
	 REASON(RULE_DROP),
	 {.family = 6, .proto = TCP, .nr_ext = 1, .ext = {EXT(44)}, .dport = 23, SYN}},
	{"a second fragment header does not make a first fragment whole",
	 REASON(DEFAULT_ALLOW),
	 {.family = 6,
	  .proto = UDP,
	  .nr_ext = 2,
	  .ext = {EXT(44), EXT(44)},
	  .more_fragments = true,
	  .udp_length = FRAME_SET(1400)}},
	{"a later IPv6 fragment has no ports",
	 REASON(FRAGMENT),
	 {.family = 6,
	  .proto = TCP,
	  .nr_ext = 1,
	  .ext = {EXT(44)},
	  .fragment_offset = 1,
	  .more_fragments = true,
	  .dport = 23}},
};
/* clang-format on */

static const struct policyc_interface eth0 = {"eth0", 1};
static const struct policyc_options options = {.interfaces = &eth0, .nr_interfaces = 1};

static char telnet[] = "  - name: telnet\n    to: 23/tcp\n    action: drop\n";
static char sctp[] = "  - name: sctp\n    to: 23/sctp\n    action: drop\n";
static char vlan[] = "  - name: vlan\n    vlan: 77\n    action: allow\n";
static char *rules[] = {telnet, sctp, vlan};
static char head[] = "version: 1\nname: shapes\ninterfaces:\n  - name: eth0\n"
		     "defaults: {incoming: allow, icmp: essential, fragments: drop, "
		     "malformed: drop, ethertypes: drop}\n";
static const struct policy_text text = {.head = head, .rules = rules, .nr_rules = 3};

static bool shape_ends_in_its_reason(struct trial *trial, const struct shape *shape)
{
	struct answers answers;
	struct frame frame;

	frame_build(&shape->spec, &frame);
	for (size_t length = DATAPATH_MIN_FRAME; length < frame.length; length++)
		if (!trial_agrees(trial, frame.byte, length, &eth0, NULL))
			return false;
	if (!trial_agrees(trial, frame.byte, frame.length, &eth0, &answers))
		return false;
	if (answers.bpf.reason == shape->reason)
		return true;
	fprintf(stderr, "%s: the reason is %s, not %s\n", shape->claim,
		reason_word(answers.bpf.reason), reason_word(shape->reason));
	return false;
}

/* Before the first policy is applied everything passes, and is counted as such. */
static bool passes_without_policy(struct datapath *datapath, struct trial_totals *totals)
{
	struct synfw_reason_counter *expected = &totals->reasons[eth0.slot][SYNFW_REASON_NO_POLICY];

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct judgement judgement;
		struct frame frame;
		uint32_t action;

		frame_build(&shapes[i].spec, &frame);
		if (datapath_trace(datapath, frame.byte, frame.length, eth0.slot, &judgement) ||
		    datapath_run(datapath, frame.byte, frame.length, eth0.slot, &action))
			return false;
		if (judgement.reason != SYNFW_REASON_NO_POLICY || action != XDP_PASS) {
			fprintf(stderr, "%s: does not pass without a policy\n", shapes[i].claim);
			return false;
		}
		expected->packets++;
		expected->bytes += frame.length;
	}
	return true;
}

int test_shapes(struct datapath *datapath)
{
	CLEANUP(cleanup_free) struct trial_totals *totals = calloc(1, sizeof(*totals));
	const size_t nr_shapes = sizeof(shapes) / sizeof(shapes[0]);
	size_t right = 0;
	struct trial trial;

	MUST(totals);
	if (!passes_without_policy(datapath, totals) ||
	    trial_begin(&trial, datapath, totals, &text, &options, stderr))
		return EXIT_FAILURE;
	for (size_t i = 0; i < nr_shapes; i++)
		right += shape_ends_in_its_reason(&trial, &shapes[i]);
	if (right == nr_shapes && !trial_counters_agree(&trial))
		right = 0;
	printf("%zu of %zu shapes end in their reason\n", right, nr_shapes);
	trial_end(&trial);
	return right == nr_shapes ? EXIT_SUCCESS : EXIT_FAILURE;
}
