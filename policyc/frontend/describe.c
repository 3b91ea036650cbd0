/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "../describe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "describe_writer.h"
#include "icmp_types.h"
#include "services.h"
#include "tcp_flags.h"

#define MAX_PREFIXES_SHOWN     16
#define PREFIXES_SHOWN_OF_MORE 3

/* Of a long list the first prefixes, how many more, and a digest of all. */
static void write_prefixes(struct writer *writer, const struct prefix_list *list)
{
	size_t count = prefix_list_count(list);
	size_t shown = count > MAX_PREFIXES_SHOWN ? PREFIXES_SHOWN_OF_MORE : count;
	char text[64], digest[PREFIX_DIGEST_SIZE];

	for (size_t i = 0; i < shown; i++) {
		begin_value(writer);
		if (i < list->nr_v4)
			prefix4_format(&list->v4[i], text, sizeof(text));
		else
			prefix6_format(&list->v6[i - list->nr_v4], text, sizeof(text));
		fputs(text, writer->out);
	}
	if (shown == count)
		return;
	prefix_list_digest(list, digest);
	begin_value(writer);
	fprintf(writer->out, "%zu more (%s)", count - shown, digest);
}

static void write_set(struct writer *writer, const struct policy_set *set)
{
	const struct prefix_list *list = &set->prefixes;

	if (set->name) {
		begin_value(writer);
		fputs(set->name, writer->out);
		return;
	}
	if (list->nr_v4 == 1 && list->nr_v6 == 1 && !list->v4[0].prefixlen &&
	    !list->v6[0].prefixlen) {
		begin_value(writer);
		fprintf(writer->out, "any");
	} else {
		write_prefixes(writer, list);
	}
}

static void write_sets(struct writer *writer, const char *key, const struct set_refs *refs)
{
	begin_key(writer, key);
	for (size_t i = 0; i < refs->count; i++)
		write_set(writer, &writer->policy->sets[refs->index[i]]);
}

static void write_proto(struct writer *writer, uint8_t proto)
{
	const char *name = protocol_name(proto);

	if (name)
		fputs(name, writer->out);
	else
		fprintf(writer->out, "%u", proto);
}

static void write_protos(struct writer *writer, const struct match *match)
{
	begin_key(writer, "proto");
	for (size_t i = 0; i < match->nr_protos; i++) {
		begin_value(writer);
		write_proto(writer, match->protos[i]);
	}
}

static void write_ports(struct writer *writer, const char *key, const struct port_range *ranges,
			size_t count)
{
	begin_key(writer, key);
	for (size_t i = 0; i < count; i++) {
		begin_value(writer);
		fprintf(writer->out, "%u", ranges[i].first);
		if (ranges[i].last != ranges[i].first)
			fprintf(writer->out, "-%u", ranges[i].last);
		if (ranges[i].proto) {
			fputc('/', writer->out);
			write_proto(writer, ranges[i].proto);
		}
	}
}

static void write_icmp(struct writer *writer, const struct match *match)
{
	begin_key(writer, "icmp");
	for (size_t i = 0; i < match->nr_icmp; i++) {
		const char *name = icmp_type_name(&match->icmp[i]);

		begin_value(writer);
		if (name)
			fputs(name, writer->out);
		else
			fprintf(writer->out, "%u", match->icmp[i].type);
		fputc('/', writer->out);
		write_proto(writer, match->icmp[i].proto);
	}
}

static void write_flags(struct writer *writer, const struct flags_match *flags)
{
	begin_key(writer, "flags");
	if (flags->mask == 0xff && !flags->value) {
		fprintf(writer->out, " none");
		return;
	}
	for (unsigned int bit = 1; bit < 0x100; bit <<= 1) {
		bool set = flags->value & bit;

		/* Exactly these: the others are clear without being named. */
		if (!set && (flags->mask == 0xff || !(flags->mask & bit)))
			continue;
		begin_value(writer);
		fprintf(writer->out, "%s%s", set ? "" : "not ", flag_name((uint8_t)bit));
	}
}

static void write_interfaces(struct writer *writer, const struct match *match)
{
	begin_key(writer, "interface");
	for (size_t i = 0; i < match->nr_interfaces; i++) {
		begin_value(writer);
		fputs(match->interfaces[i], writer->out);
	}
}

static void write_vlans(struct writer *writer, const struct match *match)
{
	begin_key(writer, "vlan");
	for (size_t i = 0; i < match->nr_vlans; i++) {
		begin_value(writer);
		fprintf(writer->out, "%u", match->vlans[i]);
	}
}

static void write_match(struct writer *writer, const struct match *match)
{
	if (match->keys & MATCH_FROM)
		write_sets(writer, "from", &match->from);
	if (match->keys & MATCH_TO_ADDRESS)
		write_sets(writer, "to-address", &match->to_address);
	if (match->keys & MATCH_PROTO)
		write_protos(writer, match);
	if (match->keys & MATCH_TO)
		write_ports(writer, "to", match->to, match->nr_to);
	if (match->keys & MATCH_FROM_PORT)
		write_ports(writer, "from-port", match->from_ports, match->nr_from_ports);
	if (match->keys & MATCH_ICMP)
		write_icmp(writer, match);
	if (match->keys & MATCH_FLAGS)
		write_flags(writer, &match->flags);
	if (match->keys & MATCH_INTERFACE)
		write_interfaces(writer, match);
	if (match->keys & MATCH_VLAN)
		write_vlans(writer, match);
	if (match->keys & MATCH_STATE) {
		begin_key(writer, "state");
		fputs(match->state == STATE_NEW ? " new" : " established", writer->out);
	}
	if (!match->keys)
		begin_key(writer, "everything");
}

int policy_rule_describe(const struct policy *policy, const struct policy_rule *rule,
			 char **ret_text)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	struct writer writer = {
		.out = open_memstream(&text, &size),
		.policy = policy,
		.first_key = true,
	};

	if (!writer.out)
		return -ENOMEM;
	write_match(&writer, &rule->match);
	if (rule->has_except) {
		begin_key(&writer, "except ");
		writer.first_key = true;
		write_match(&writer, &rule->except);
	}
	write_limit(&writer, &rule->limit);
	write_outcome(&writer, rule);
	return finish(writer.out, &text, ret_text);
}

int policy_protect_describe(const struct policy *policy, const struct protect_entry *entry,
			    char **ret_text)
{
	CLEANUP(cleanup_free) char *text = NULL;
	size_t size;
	struct writer writer = {
		.out = open_memstream(&text, &size),
		.policy = policy,
		.first_key = true,
	};

	if (!writer.out)
		return -ENOMEM;
	if (entry->infrastructure)
		begin_key(&writer, "infrastructure");
	else
		write_match(&writer, &entry->match);
	return finish(writer.out, &text, ret_text);
}
