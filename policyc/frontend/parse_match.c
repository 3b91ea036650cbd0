/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "icmp_types.h"
#include "suggest.h"
#include "tcp_flags.h"

static bool is_walked_in_ipv6(int proto)
{
	/* hop-by-hop options, routing, fragment, destination options */
	return proto == 0 || proto == 43 || proto == 44 || proto == 60;
}

static bool without_ipv6(const struct policy *policy, const struct set_refs *refs)
{
	for (size_t i = 0; i < refs->count; i++)
		if (policy->sets[refs->index[i]].prefixes.nr_v6 ||
		    policy->sets[refs->index[i]].dynamic)
			return false;
	return refs->count;
}

/* `draft` has its addresses by now: they come first in enum match_key_index. */
static void warn_of_extension_header(struct parser *parser, const struct match_draft *draft,
				     const struct node *value)
{
	const struct policy *policy = parser->policy;
	struct diag *diag;

	if (without_ipv6(policy, &draft->match.from) ||
	    without_ipv6(policy, &draft->match.to_address))
		return;
	diag = diag_warning(parser->diags, location_of(parser, value),
			    "%s never matches \"%s\" in IPv6: it is an extension header there, and "
			    "the protocol is what follows those",
			    draft->owner, value->text);
	diag_hint(diag, "if IPv4 is meant, say so with \"0.0.0.0/0\" in from or to-address");
}

static int parse_protocol(struct parser *parser, const struct schema_key *key,
			  const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a protocol");
	struct match_draft *draft = target;
	struct diag *diag;
	uint8_t *added;
	int proto;

	if (!text)
		return 0;
	proto = protocol_parse(text, strlen(text));
	if (proto < 0) {
		diag = diag_error(parser->diags, location_of(parser, value),
				  "\"%s\" is not a protocol", text);
		diag_hint(diag,
			  "tcp, udp, sctp, icmp, icmpv6, gre, esp, ah or a number from 0 to 255");
		return 0;
	}
	if (is_walked_in_ipv6(proto))
		warn_of_extension_header(parser, draft, value);
	added = ARRAY_APPEND(draft->match.protos, draft->match.nr_protos);
	if (!added)
		return -ENOMEM;
	*added = (uint8_t)proto;
	return 0;
}

struct port_list {
	struct port_range **ranges;
	size_t *count;
	const struct match *match;
	const struct node **dead; /* values that `proto` leaves nothing of */
	size_t nr_dead;
};

static int add_range(struct port_list *list, uint8_t proto, const struct port_range *range)
{
	struct port_range *added = array_append(list->ranges, list->count, sizeof(*added));

	if (!added)
		return -ENOMEM;
	*added = (struct port_range){proto, range->first, range->last};
	return 0;
}

/* Adds the part of the range that `proto` leaves. */
static int add_narrowed(struct port_list *list, const struct port_range *range)
{
	const struct match *match = list->match;
	int err = 0;

	if (!match->nr_protos)
		return add_range(list, range->proto, range);
	for (size_t i = 0; i < match->nr_protos && !err; i++)
		if (protocol_has_ports(match->protos[i]) &&
		    (!range->proto || range->proto == match->protos[i]))
			err = add_range(list, match->protos[i], range);
	return err;
}

/* /etc/services is read when the first name is not one of the policy's. */
static int load_system_services(struct parser *parser)
{
	struct service_table *table = &parser->services;
	char *text = NULL;
	uint64_t mtime_ns;
	size_t length;
	int err;

	if (table->system_loaded)
		return 0;
	table->system_loaded = true;
	table->system_error = parser->loader->load(parser->loader->context, "/etc/services", &text,
						   &length, &mtime_ns);
	if (table->system_error)
		return table->system_error == -ENOMEM ? -ENOMEM : 0;
	err = service_table_add_system(table, text, length);
	free(text);
	return err;
}

static void report_undefined_service(struct parser *parser, const struct node *node)
{
	const struct service_table *table = &parser->services;
	struct diag *diag = diag_error(parser->diags, location_of(parser, node),
				       "undefined service \"%s\"", node->text);
	struct suggestion near = suggest_start(node->text);

	if (!diag)
		return;
	for (size_t i = 0; i < table->nr_services; i++)
		suggest_offer(&near, table->services[i].name);
	if (near.best)
		diag_hint(diag, "did you mean \"%s\"?", near.best);
	else if (table->system_error)
		diag_hint(diag, "/etc/services cannot be read: %s", strerror(-table->system_error));
}

static int parse_service(struct parser *parser, const struct node *value, struct port_list *list)
{
	const struct service *service = service_find(&parser->services, value->text);
	int err;

	if (!service) {
		err = load_system_services(parser);
		if (err)
			return err;
		service = service_find(&parser->services, value->text);
	}
	if (!service) {
		report_undefined_service(parser, value);
		return 0;
	}
	err = 0;
	for (size_t i = 0; i < service->nr_ports && !err; i++)
		err = add_narrowed(list, &service->ports[i]);
	return err;
}

static int parse_port(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	const char *text = parse_scalar(parser, value, "a port");
	size_t errors = diags_errors(parser->diags);
	struct port_list *list = target;
	size_t before = *list->count;
	struct port_range range;
	const char *problem;
	int err;

	if (!text)
		return 0;
	if (key->type == TYPE_PORTS && !is_port_text(text)) {
		err = parse_service(parser, value, list);
	} else {
		problem = port_range_parse(text, strlen(text), &range);
		if (problem)
			diag_error(parser->diags, location_of(parser, value), "\"%s\" %s", text,
				   problem);
		err = problem ? 0 : add_narrowed(list, &range);
	}
	if (!err && *list->count == before && diags_errors(parser->diags) == errors) {
		const struct node **dead = ARRAY_APPEND(list->dead, list->nr_dead);

		if (!dead)
			return -ENOMEM;
		*dead = value;
	}
	return err;
}

static int parse_ports(struct parser *parser, const struct schema_key *key,
		       const struct node *value, struct port_list list)
{
	int err = parse_list(parser, key, value, parse_port, &list);

	/* When nothing at all is left, match_check says so. */
	for (size_t i = 0; i < list.nr_dead && *list.count; i++)
		diag_warning(parser->diags, location_of(parser, list.dead[i]),
			     "\"%s\" never matches: \"proto\" leaves none of its ports",
			     list.dead[i]->text);
	free(list.dead);
	return err;
}

static int parse_icmp_type(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "an ICMP type");
	struct match *match = target;
	struct icmp_type types[2];
	size_t count;

	if (!text)
		return 0;
	count = icmp_type_parse(text, strlen(text), types);
	if (!count) {
		struct diag *diag = diag_error(parser->diags, location_of(parser, value),
					       "\"%s\" is not an ICMP type", text);
		const char *near = icmp_type_suggest(text);

		if (near)
			diag_hint(diag, "did you mean \"%s\"?", near);
	}
	for (size_t i = 0; i < count; i++) {
		struct icmp_type *added;

		if (match->nr_protos && !memchr(match->protos, types[i].proto, match->nr_protos))
			continue;
		added = ARRAY_APPEND(match->icmp, match->nr_icmp);
		if (!added)
			return -ENOMEM;
		*added = types[i];
	}
	return 0;
}

static int parse_flag(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	const char *text = parse_scalar(parser, value, "a flag");
	const char *problem = text ? flags_take_word(target, text, strlen(text)) : NULL;

	if (problem)
		diag_error(parser->diags, location_of(parser, value), "\"%s\" %s", text, problem);
	return 0;
}

static int parse_flags(struct parser *parser, const struct schema_key *key,
		       const struct node *value, struct match *match)
{
	size_t errors = diags_errors(parser->diags);
	struct flags_words words = {0};
	const char *problem;
	int err = parse_list(parser, key, value, parse_flag, &words);

	if (err || diags_errors(parser->diags) > errors)
		return err;
	problem = flags_finish(&words, &match->flags);
	if (problem)
		diag_error(parser->diags, location_of(parser, value), "%s", problem);
	return 0;
}

static int parse_interface_name(struct parser *parser, const struct schema_key *key,
				const struct node *value, void *target)
{
	struct match *match = target;
	char **added;

	if (!check_interface(parser, value))
		return 0;
	added = ARRAY_APPEND(match->interfaces, match->nr_interfaces);
	if (!added)
		return -ENOMEM;
	*added = strdup(value->text);
	return *added ? 0 : -ENOMEM;
}

static int parse_vlan(struct parser *parser, const struct schema_key *key, const struct node *value,
		      void *target)
{
	struct match *match = target;
	uint16_t id, *added;

	if (!parse_vlan_id(parser, value, &id))
		return 0;
	added = ARRAY_APPEND(match->vlans, match->nr_vlans);
	if (!added)
		return -ENOMEM;
	*added = id;
	return 0;
}

/* In the order of enum match_key_index. */
static const char *const key_names[NR_MATCH_KEYS] = {
	"from", "to-address", "proto", "to", "from-port", "icmp", "flags", "interface", "vlan",
};

int match_parse_key(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target)
{
	struct match_draft *draft = target;

	for (int i = 0; i < NR_MATCH_KEYS; i++) {
		if (strcmp(key_names[i], key->name))
			continue;
		draft->value[i] = value;
		draft->match.keys |= 1U << i;
	}
	return 0;
}

static int parse_value(struct parser *parser, struct match_draft *draft, enum match_key_index index)
{
	const struct schema_key *key = schema_find(SCHEMA_RULE, key_names[index]);
	const struct node *value = draft->value[index];
	struct match *match = &draft->match;
	const struct port_list to = {.ranges = &match->to, .count = &match->nr_to, .match = match};
	const struct port_list from = {
		.ranges = &match->from_ports, .count = &match->nr_from_ports, .match = match};

	switch (index) {
	case KEY_FROM:
		return parse_addresses(parser, key, value, &match->from);
	case KEY_TO_ADDRESS:
		return parse_addresses(parser, key, value, &match->to_address);
	case KEY_PROTO:
		return parse_list(parser, key, value, parse_protocol, draft);
	case KEY_TO:
		return parse_ports(parser, key, value, to);
	case KEY_FROM_PORT:
		return parse_ports(parser, key, value, from);
	case KEY_ICMP:
		return parse_list(parser, key, value, parse_icmp_type, match);
	case KEY_FLAGS:
		return parse_flags(parser, key, value, match);
	case KEY_INTERFACE:
		return parse_list(parser, key, value, parse_interface_name, match);
	case KEY_VLAN:
		return parse_list(parser, key, value, parse_vlan, match);
	case NR_MATCH_KEYS:
		break;
	}
	return 0;
}

int match_finish(struct parser *parser, struct match_draft *draft)
{
	int err = 0;

	for (int i = 0; i < NR_MATCH_KEYS && !err; i++)
		if (draft->value[i])
			err = parse_value(parser, draft, (enum match_key_index)i);
	return err;
}
