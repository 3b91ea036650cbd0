/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random/random_policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/must.h"
#include "random/random_match.h"
#include "harness/datapath.h"

/* Each for sources and destinations: as many as there may be. */
#define RANDOM_MAX_DYNAMIC (SYNFW_MAX_DYNAMIC_PAIRS / SYNFW_NR_DIRS)
#define RANDOM_MAX_MEMBERS 24

#define PICK(rng, array)   ((array)[rng_below(rng, sizeof(array) / sizeof((array)[0]))])

const struct policyc_interface random_interfaces[] = {
	{"eth0", 1},
	{"eth1", 2},
	{"wan0", 3},
	{"br-lan", SYNFW_MAX_INTERFACES},
};
const size_t random_nr_interfaces = sizeof(random_interfaces) / sizeof(random_interfaces[0]);

static void write_protect(struct random_context *context, FILE *out)
{
	struct rng *rng = context->rng;
	unsigned int entries = rng_below(rng, 4);

	if (!entries)
		return;
	fputs("protect:\n", out);
	for (unsigned int i = 0; i < entries; i++) {
		if (rng_percent(rng, 35)) {
			fputs("  - infrastructure\n", out);
			continue;
		}
		fputs("  - {from: ", out);
		random_addresses(context, out, FAMILY_4 | FAMILY_6);
		if (rng_percent(rng, 60)) {
			fputs(", to: ", out);
			random_port(context, out);
		}
		fputs("}\n", out);
	}
}

static void write_inline_set(struct random_context *context, FILE *out, struct random_set *set)
{
	unsigned int entries = rng_between(context->rng, 1, 12);
	char text[64];

	fprintf(out, "  %s:\n", set->name);
	set->families = 0;
	for (unsigned int i = 0; i < entries; i++) {
		universe_prefix_text(&context->universe, FAMILY_4 | FAMILY_6, text);
		set->families |= strchr(text, ':') ? FAMILY_6 : FAMILY_4;
		fprintf(out, strchr(text, ':') ? "    - \"%s\"\n" : "    - %s\n", text);
	}
}

/* What a set file looks like in each format. */
struct file_format {
	const char *name, *head, *line, *tail;
};

static const struct file_format file_formats[] = {
	{"plain", "# a comment\n\n", "%s\n", ""},
	{"plain", "", "%s # with a remark\r\n", "\r\n"},
	{"netset", "#\n# head\n#\n", "%s\n", "# end\n"},
	{"auto", "", "%s\n", ""},
	{"spamhaus-json", "", "{\"cidr\":\"%s\",\"sblid\":\"SBL1\",\"rir\":\"ripencc\"}\n",
	 "{\"type\":\"metadata\",\"timestamp\":1,\"size\":1,\"records\":1}\n"},
};

static char *file_text(struct random_context *context, const struct file_format *format,
		       unsigned int n)
{
	unsigned int entries = rng_between(context->rng, 1, 60);
	char *text = NULL, address[64];
	size_t length;
	FILE *out = open_memstream(&text, &length);

	MUST(out);
	fputs(format->head, out);
	for (unsigned int i = 0; i < entries; i++) {
		universe_prefix_text(&context->universe, FAMILY_4 | FAMILY_6, address);
		fprintf(out, format->line, address);
	}
	/* What `except` never takes away: an empty set is an error. */
	fprintf(out, format->line, universe_guard_text(FAMILY_4, n, address));
	fprintf(out, format->line, universe_guard_text(FAMILY_6, n, address));
	fputs(format->tail, out);
	MUST(fclose(out) == 0);
	return text;
}

static void write_file_set(struct random_context *context, FILE *out, struct random_set *set,
			   struct policy_text *text)
{
	struct rng *rng = context->rng;
	const struct file_format *format = &PICK(rng, file_formats);
	struct policy_file *file = &text->files[text->nr_files++];

	MUST(asprintf(&file->path, "feeds/%s.list", set->name) > 0);
	file->text = file_text(context, format, text->nr_files);
	set->families = FAMILY_4 | FAMILY_6;
	fprintf(out, "  %s:\n    file: %s\n    format: %s\n", set->name, file->path, format->name);
	/* Sets before this one, so that there is no circle. */
	if (context->nr_sets && rng_percent(rng, 60)) {
		const struct random_set *other = &context->sets[rng_below(rng, context->nr_sets)];

		if (!other->dynamic)
			fprintf(out, "    except: [%s]\n", other->name);
	}
}

static struct any_prefix random_host(struct random_context *context)
{
	struct any_prefix host = {.family = rng_percent(context->rng, 60) ? 4 : 6};

	if (host.family == 4) {
		host.v4 = universe_prefix4(&context->universe);
		host.v4.prefixlen = 32;
	} else {
		host.v6 = universe_prefix6(&context->universe);
		host.v6.prefixlen = 128;
	}
	return host;
}

/* The same address twice could be in two states. */
static bool is_member_already(const struct policy_text *text, const struct random_set *set,
			      const struct any_prefix *host)
{
	for (size_t i = 0; i < text->nr_members; i++) {
		const struct policy_member *member = &text->members[i];

		if (!strcmp(member->set, set->name) && member->address.family == host->family &&
		    (host->family == 4 ? member->address.v4.addr == host->v4.addr
				       : !memcmp(member->address.v6.addr, host->v6.addr, 16)))
			return true;
	}
	return false;
}

static void write_dynamic_set(struct random_context *context, FILE *out, struct random_set *set,
			      struct policy_text *text)
{
	struct rng *rng = context->rng;
	unsigned int members = rng_below(rng, RANDOM_MAX_MEMBERS);

	fprintf(out, "  %s: {dynamic: true, size: %u%s}\n", set->name,
		rng_between(rng, RANDOM_MAX_MEMBERS, DATAPATH_MAX_MEMBERS),
		rng_percent(rng, 50) ? ", timeout: 10m" : "");
	set->families = FAMILY_4 | FAMILY_6;
	set->dynamic = true;
	for (unsigned int i = 0; i < members; i++) {
		struct policy_member *member = &text->members[text->nr_members];
		struct any_prefix host = random_host(context);

		if (is_member_already(text, set, &host))
			continue;
		text->nr_members++;
		memcpy(member->set, set->name, sizeof(member->set));
		member->address = host;
		member->state =
			rng_percent(rng, 70) ? MEMBER_LIVE : rng_below(rng, NR_MEMBER_STATES);
	}
}

static void write_sets(struct random_context *context, FILE *out, struct policy_text *text)
{
	unsigned int sets = rng_below(context->rng, RANDOM_MAX_SETS);
	unsigned int dynamic = rng_below(context->rng, RANDOM_MAX_DYNAMIC + 1);

	text->files = calloc(RANDOM_MAX_SETS, sizeof(*text->files));
	text->members = calloc(RANDOM_MAX_DYNAMIC * RANDOM_MAX_MEMBERS, sizeof(*text->members));
	MUST(text->files && text->members);
	if (!sets)
		return;
	fputs("sets:\n", out);
	for (unsigned int i = 0; i < sets; i++) {
		struct random_set *set = &context->sets[context->nr_sets];

		snprintf(set->name, sizeof(set->name), "set-%u", i);
		if (dynamic && rng_percent(context->rng, 30) && dynamic--)
			write_dynamic_set(context, out, set, text);
		else if (rng_percent(context->rng, 50))
			write_inline_set(context, out, set);
		else
			write_file_set(context, out, set, text);
		context->nr_sets++;
	}
}

static void write_defaults(struct random_context *context, FILE *out)
{
	static const char *const allow_drop[] = {"allow", "drop"};
	static const char *const fragments[] = {"allow", "drop", "rules"};
	struct rng *rng = context->rng;

	const char *incoming = PICK(rng, allow_drop);
	uint32_t dice = rng_below(rng, 4);

	fprintf(out, "defaults:\n  incoming: %s\n  icmp: %s\n", incoming, context->icmp);
	/* left out it depends on `incoming` */
	if (dice < 2)
		fprintf(out, "  established: %s\n", dice ? "rules" : "allow");
	context->established_states = dice == 1 || (dice >= 2 && !strcmp(incoming, "allow"));
	fprintf(out, "  fragments: %s\n", PICK(rng, fragments));
	fprintf(out, "  malformed: %s\n", PICK(rng, allow_drop));
	fprintf(out, "  ethertypes: %s\n", PICK(rng, allow_drop));
}

static void write_thresholds(struct random_context *context, FILE *out)
{
	struct rng *rng = context->rng;

	if (rng_percent(rng, 70))
		fprintf(out,
			"scoring: {flag-at: %u, drop-at: %u, decay: %u/min, block-for: [1m, 2h], "
			"ipv6-prefix: %u}\n",
			rng_between(rng, 1, 100), rng_between(rng, 100, 1000),
			rng_between(rng, 1, 1000), rng_between(rng, 1, 128));
	if (rng_percent(rng, 50))
		fprintf(out, "logging: {events: block, sample: 1/%u, limit: %u/s}\n",
			rng_between(rng, 1, 1000), rng_between(rng, 1, 1000));
}

static char *head_text(struct random_context *context, struct policy_text *text)
{
	char *head = NULL;
	size_t length;
	FILE *out = open_memstream(&head, &length);

	MUST(out);
	fprintf(out, "version: 1\nname: random\nmode: %s\n",
		rng_percent(context->rng, 25) ? "monitor" : "block");
	fputs("interfaces:\n  - name: eth*\n  - name: wan0\n  - name: br-lan\n", out);
	write_sets(context, out, text);
	fputs("services:\n  mixed: [80/tcp, 443/tcp, 443/udp, 36412/sctp]\n"
	      "  ranges: [1000-2000/tcp, 65000-65535/udp, 0-5/udp]\n",
	      out);
	write_protect(context, out);
	write_defaults(context, out);
	if (context->over_time)
		write_thresholds(context, out);
	MUST(fclose(out) == 0);
	return head;
}

/* `has_connections`: some packet that the rule matches may belong to one. */
static void write_state(struct random_context *context, FILE *out, bool has_connections)
{
	bool established = context->established_states && has_connections;

	if (context->states && rng_percent(context->rng, 15))
		fprintf(out, "    state: %s\n",
			established && rng_percent(context->rng, 50) ? "established" : "new");
}

/* `has_ports`: some packet that the rule matches has. */
static void write_limit(struct random_context *context, FILE *out, bool has_ports)
{
	struct rng *rng = context->rng;

	if (!rng_percent(rng, 35))
		return;
	if (has_ports && rng_percent(rng, 40))
		fprintf(out, "    distinct-ports: {over: %u, within: %us}\n",
			rng_between(rng, 1, 60), rng_between(rng, 1, 100));
	else
		fprintf(out, "    rate: {over: %u/s, burst: %u, per: %s}\n",
			rng_between(rng, 1, 100000), rng_between(rng, 1, 100000),
			rng_percent(rng, 50) ? "rule" : "source");
}

static void write_effects(struct random_context *context, FILE *out, bool allows)
{
	struct rng *rng = context->rng;
	const struct random_set *set;

	if (!allows && rng_percent(rng, 25))
		fprintf(out, "    block: %um\n", rng_between(rng, 1, 100));
	if (rng_percent(rng, 25))
		fprintf(out, "    log: %s\n", rng_percent(rng, 80) ? "true" : "false");
	if (!context->nr_sets)
		return;
	set = &context->sets[rng_below(rng, context->nr_sets)];
	if (set->dynamic)
		fprintf(out, "    add-to: %s\n", set->name);
}

static char *rule_text(struct random_context *context, size_t number)
{
	struct rng *rng = context->rng;
	char *rule = NULL;
	size_t length;
	FILE *out = open_memstream(&rule, &length);
	uint32_t dice = rng_below(rng, 100);
	bool any_protocol;

	MUST(out);
	fprintf(out, "  - name: r%zu\n", number);
	random_match(context, out);
	MUST(fflush(out) == 0);
	any_protocol = !strstr(rule, " proto:");
	write_state(context, out, any_protocol);
	if (context->over_time) {
		write_limit(context, out, any_protocol && !strstr(rule, " icmp:"));
		write_effects(context, out, dice >= 25 && dice < 60);
	}
	if (dice < 25)
		fprintf(out, "    score: %u\n",
			rng_percent(rng, 10) ? 1000000 : rng_between(rng, 1, 100));
	else
		fprintf(out, "    action: %s\n", dice < 60 ? "allow" : "drop");
	if (rng_percent(rng, 10))
		fputs("    mode: monitor\n", out);
	MUST(fclose(out) == 0);
	return rule;
}

static void add_infrastructure(struct random_context *context, struct random_policy *policy)
{
	struct prefix_list *const lists[] = {&policy->gateways, &policy->resolvers};

	for (size_t i = 0; i < 2; i++) {
		unsigned int hosts = rng_below(context->rng, 4);

		for (unsigned int n = 0; n < hosts; n++) {
			struct prefix4 v4 = universe_prefix4(&context->universe);
			struct prefix6 v6 = universe_prefix6(&context->universe);

			MUST(prefix_list_add4(lists[i], v4.addr, 32) == 0);
			MUST(prefix_list_add6(lists[i], v6.addr, 128) == 0);
		}
		prefix_list_normalise(lists[i]);
	}
}

static void make_policy(struct rng *rng, size_t nr_rules, bool over_time,
			struct random_policy *ret_policy)
{
	static const char *const icmp_choices[] = {"essential", "allow", "rules"};
	struct random_context context = {
		.rng = rng, .icmp = PICK(rng, icmp_choices), .over_time = over_time};
	struct random_policy *policy = ret_policy;

	*policy = (struct random_policy){};
	universe_init(&context.universe, rng,
		      nr_rules > 500  ? UNIVERSE_MAX_BASES
		      : nr_rules > 64 ? 60
				      : 6);
	context.universe.hosts_only = rng_percent(rng, 15);
	context.flags = rng_percent(rng, 70);
	context.states = rng_percent(rng, 40);
	context.vlans = rng_percent(rng, 60);
	context.interfaces = rng_percent(rng, 70);
	/* A rule of a large policy must be narrow, or the first ones decide everything. */
	context.narrow = nr_rules > 64 ? 60 : rng_below(rng, 60);
	policy->text.head = head_text(&context, &policy->text);
	policy->text.rules = calloc(nr_rules + 1, sizeof(*policy->text.rules));
	MUST(policy->text.rules);
	for (size_t i = 0; i < nr_rules; i++)
		policy->text.rules[i] = rule_text(&context, i);
	policy->text.nr_rules = nr_rules;
	/* A generator that makes many such rules does not test what it seems to test. */
	MUST(policy_text_drop_empty_rules(&policy->text) <= 3 + nr_rules / 20);
	add_infrastructure(&context, policy);
	policy->options = (struct policyc_options){
		.interfaces = random_interfaces,
		.nr_interfaces = random_nr_interfaces,
		.infrastructure = {&policy->gateways, &policy->resolvers},
	};
}

void random_policy(struct rng *rng, size_t nr_rules, struct random_policy *ret_policy)
{
	make_policy(rng, nr_rules, false, ret_policy);
}

void random_policy_over_time(struct rng *rng, size_t nr_rules, struct random_policy *ret_policy)
{
	make_policy(rng, nr_rules, true, ret_policy);
}

void random_policy_done(struct random_policy *policy)
{
	policy_text_done(&policy->text);
	prefix_list_done(&policy->gateways);
	prefix_list_done(&policy->resolvers);
	*policy = (struct random_policy){};
}
