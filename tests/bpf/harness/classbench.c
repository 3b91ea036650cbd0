/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "harness/classbench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>

#define PROTO_ICMP 1
#define PROTO_TCP  6

/* Room for one more element; doubles. */
static int grow(void **array, size_t count, size_t size)
{
	void *bigger;

	if (count & (count - 1))
		return 0;
	bigger = reallocarray(*array, count ? 2 * count : 1, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	return 0;
}

static uint32_t mask_of(uint8_t length)
{
	return length ? ~0U << (32 - length) : 0;
}

/* @SRC/LEN  DST/LEN  SPORT : SPORT  DPORT : DPORT  PROTO/MASK  FLAGS/MASK. The high byte of the
 * last column is the TCP flags, or the ICMP type. */
static bool read_rule(const char *line, struct classbench_rule *ret_rule)
{
	unsigned int s[5], d[5], sport[2], dport[2], proto, proto_mask, extra, extra_mask;

	if (sscanf(line, "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x %x/%x", &s[0], &s[1],
		   &s[2], &s[3], &s[4], &d[0], &d[1], &d[2], &d[3], &d[4], &sport[0], &sport[1],
		   &dport[0], &dport[1], &proto, &proto_mask, &extra, &extra_mask) != 18)
		return false;
	if (s[4] > 32 || d[4] > 32 || sport[1] > 65535 || dport[1] > 65535 || (extra_mask & 0xff) ||
	    (proto_mask != 0 && proto_mask != 0xff))
		return false;
	*ret_rule = (struct classbench_rule){
		.src = (s[0] << 24 | s[1] << 16 | s[2] << 8 | s[3]) & mask_of(s[4]),
		.dst = (d[0] << 24 | d[1] << 16 | d[2] << 8 | d[3]) & mask_of(d[4]),
		.src_length = s[4],
		.dst_length = d[4],
		.sport_first = sport[0],
		.sport_last = sport[1],
		.dport_first = dport[0],
		.dport_last = dport[1],
		.proto = proto,
		.any_proto = proto_mask == 0,
		.extra = extra >> 8,
		.extra_mask = extra_mask >> 8,
	};
	return true;
}

static bool read_header(const char *line, struct classbench_header *ret_header)
{
	unsigned int src, dst, sport, dport, proto;

	if (sscanf(line, "%u %u %u %u %u", &src, &dst, &sport, &dport, &proto) != 5 ||
	    sport > 65535 || dport > 65535 || proto > 255)
		return false;
	*ret_header = (struct classbench_header){
		.src = src, .dst = dst, .sport = sport, .dport = dport, .proto = proto};
	return true;
}

static int refuse(const char *line, unsigned int number)
{
	fprintf(stderr, "line %u is not understood: %.*s\n", number, (int)strcspn(line, "\n"),
		line);
	return -EINVAL;
}

int classbench_read_rules(struct classbench *set, const char *text)
{
	unsigned int number = 1;

	for (const char *line = text; *line; number++) {
		struct classbench_rule rule;

		if (!read_rule(line, &rule))
			return refuse(line, number);
		if (grow((void **)&set->rules, set->nr_rules, sizeof(rule)))
			return -ENOMEM;
		rule.line = number;
		set->rules[set->nr_rules++] = rule;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return 0;
}

int classbench_read_trace(struct classbench *set, const char *text)
{
	unsigned int number = 1;

	for (const char *line = text; *line; number++) {
		struct classbench_header header;

		if (!read_header(line, &header))
			return refuse(line, number);
		if (grow((void **)&set->headers, set->nr_headers, sizeof(header)))
			return -ENOMEM;
		set->headers[set->nr_headers++] = header;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return 0;
}

void classbench_done(struct classbench *set)
{
	free(set->rules);
	free(set->headers);
	*set = (struct classbench){};
}

bool classbench_rule_drops(size_t rule)
{
	return rule % 2;
}

static bool rule_matches(const struct classbench_rule *rule, const struct classbench_header *header)
{
	if ((header->src & mask_of(rule->src_length)) != rule->src ||
	    (header->dst & mask_of(rule->dst_length)) != rule->dst)
		return false;
	if (header->sport < rule->sport_first || header->sport > rule->sport_last ||
	    header->dport < rule->dport_first || header->dport > rule->dport_last)
		return false;
	if (rule->any_proto)
		return true;
	return header->proto == rule->proto && (header->extra & rule->extra_mask) == rule->extra;
}

size_t classbench_scan(const struct classbench *set, const struct classbench_header *header)
{
	for (size_t i = 0; i < set->nr_rules; i++)
		if (rule_matches(&set->rules[i], header))
			return i;
	return CLASSBENCH_NO_RULE;
}

/* The lists of flags that together say value/mask. Without a "not", a list means exactly these, so
 * a mask of positive bits only needs one: SYN never comes with FIN or RST, or both values of SYN.
 */
static size_t flag_lists(uint8_t value, uint8_t mask, char lists[2][64])
{
	static const char *const names[8] = {"fin", "syn", "rst", "psh",
					     "ack", "urg", "ece", "cwr"};
	size_t length = 0;

	for (int bit = 0; bit < 8; bit++)
		if (mask >> bit & 1)
			length += sprintf(lists[0] + length, "%s%s%s", length ? ", " : "",
					  value >> bit & 1 ? "" : "not ", names[bit]);
	if (value != mask)
		return 1;
	memcpy(lists[1], lists[0], length + 1);
	if (mask & SYNFW_TCP_SYN) {
		strcpy(lists[0] + length, ", not fin");
		return 1;
	}
	strcpy(lists[0] + length, ", not syn");
	if (mask & (SYNFW_TCP_FIN | SYNFW_TCP_RST))
		return 1;
	strcpy(lists[1] + length, ", syn, not fin");
	return 2;
}

static void write_prefix(FILE *out, const char *key, uint32_t addr, uint8_t length)
{
	fprintf(out, "    %s: %u.%u.%u.%u/%u\n", key, addr >> 24, addr >> 16 & 0xff,
		addr >> 8 & 0xff, addr & 0xff, length);
}

static char *rule_text(const struct classbench_rule *rule, bool drops, const char *flags, char part)
{
	bool any_source = rule->sport_first == 0 && rule->sport_last == 65535;
	bool any_destination = rule->dport_first == 0 && rule->dport_last == 65535;
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (!out)
		return NULL;
	fprintf(out, "  - name: line-%u%c\n", rule->line, part);
	write_prefix(out, "from", rule->src, rule->src_length);
	write_prefix(out, "to-address", rule->dst, rule->dst_length);
	if (!rule->any_proto)
		fprintf(out, "    proto: %u\n", rule->proto);
	if (!any_source)
		fprintf(out, "    from-port: %u-%u\n", rule->sport_first, rule->sport_last);
	if (!any_destination)
		fprintf(out, "    to: %u-%u/%s\n", rule->dport_first, rule->dport_last,
			rule->proto == PROTO_TCP ? "tcp" : "udp");
	if (rule->proto == PROTO_ICMP && rule->extra_mask)
		fprintf(out, "    icmp: %u\n", rule->extra);
	if (flags)
		fprintf(out, "    flags: [%s]\n", flags);
	fprintf(out, "    action: %s\n", drops ? "drop" : "allow");
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int classbench_policy(const struct classbench *set, struct policy_text *ret_text,
		      uint32_t **ret_origin)
{
	static const char head[] = "version: 1\nname: classbench\ninterfaces:\n  - name: eth0\n"
				   "defaults: {incoming: drop, icmp: rules, fragments: rules}\n";
	struct policy_text text = {.head = strdup(head)};
	CLEANUP(cleanup_free) uint32_t *origin = calloc(2 * set->nr_rules + 1, sizeof(*origin));

	text.rules = calloc(2 * set->nr_rules + 1, sizeof(*text.rules));
	if (!text.head || !text.rules || !origin)
		goto no_memory;
	for (size_t i = 0; i < set->nr_rules; i++) {
		const struct classbench_rule *rule = &set->rules[i];
		char lists[2][64];
		bool flags = !rule->any_proto && rule->proto == PROTO_TCP && rule->extra_mask;
		size_t parts = flags ? flag_lists(rule->extra, rule->extra_mask, lists) : 1;

		for (size_t part = 0; part < parts; part++) {
			char *written = rule_text(rule, classbench_rule_drops(i),
						  flags ? lists[part] : NULL, 'a' + part);

			if (!written)
				goto no_memory;
			origin[text.nr_rules] = i;
			text.rules[text.nr_rules++] = written;
		}
	}
	*ret_text = text;
	*ret_origin = TAKE_PTR(origin);
	return 0;

no_memory:
	policy_text_done(&text);
	return -ENOMEM;
}

static void put_address(uint8_t at[16], uint32_t addr)
{
	for (int byte = 0; byte < 4; byte++)
		at[byte] = addr >> (24 - 8 * byte);
}

void classbench_frame(const struct classbench_header *header, struct frame *ret_frame)
{
	struct frame_spec spec = FRAME_SPEC_DEFAULT;

	put_address(spec.saddr, header->src);
	put_address(spec.daddr, header->dst);
	spec.proto = header->proto;
	spec.sport = header->sport;
	spec.dport = header->dport;
	spec.tcp_flags = header->extra;
	spec.icmp_type = header->extra;
	frame_build(&spec, ret_frame);
}
