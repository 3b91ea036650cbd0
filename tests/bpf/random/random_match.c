/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random/random_match.h"

#include <string.h>

/* What a rule says about the transport header. One of them a rule, so that its keys can all match
 * the same packet. */
enum theme {
	THEME_ANY,
	THEME_TO,
	THEME_TO_AND_FROM_PORT,
	THEME_PROTO,
	THEME_PROTO_AND_FROM_PORT,
	THEME_ICMP,
	THEME_FLAGS,
	NR_THEMES,
};

#define PICK(rng, array) ((array)[rng_below(rng, sizeof(array) / sizeof((array)[0]))])

/* Writes `count` items of one kind, without brackets when there is only one. */
static void write_list(struct random_context *context, FILE *out, unsigned int count,
		       void (*write_item)(struct random_context *context, FILE *out))
{
	if (count == 1) {
		write_item(context, out);
		return;
	}
	fputc('[', out);
	for (unsigned int i = 0; i < count; i++) {
		if (i)
			fputs(", ", out);
		write_item(context, out);
	}
	fputc(']', out);
}

/* Mostly one. */
static unsigned int few(struct rng *rng)
{
	return rng_percent(rng, 60) ? 1 : rng_between(rng, 2, 4);
}

static void write_address(struct random_context *context, FILE *out, unsigned int families)
{
	static const char *const everything[] = {"any", "0.0.0.0/0", "\"::/0\""};
	struct rng *rng = context->rng;
	char text[64];

	if (context->nr_sets && rng_percent(rng, 40)) {
		const struct random_set *set = &context->sets[rng_below(rng, context->nr_sets)];

		if (set->families & families) {
			fputs(set->name, out);
			return;
		}
	}
	if (!context->universe.hosts_only && rng_percent(rng, 2)) {
		fputs(families == FAMILY_4   ? everything[1]
		      : families == FAMILY_6 ? everything[2]
					     : PICK(rng, everything),
		      out);
		return;
	}
	universe_prefix_text(&context->universe, families, text);
	fprintf(out, strchr(text, ':') ? "\"%s\"" : "%s", text);
}

void random_addresses(struct random_context *context, FILE *out, unsigned int families)
{
	unsigned int count = few(context->rng);

	fputc('[', out);
	for (unsigned int i = 0; i < count; i++) {
		if (i)
			fputs(", ", out);
		write_address(context, out, families);
	}
	fputc(']', out);
}

static unsigned int random_port_number(struct rng *rng)
{
	static const uint16_t usual[] = {22, 23, 53, 67, 68, 80, 443, 1024, 8080, 65535, 0, 1};

	return rng_percent(rng, 70) ? PICK(rng, usual) : rng_below(rng, 65536);
}

static void write_ports(struct rng *rng, FILE *out)
{
	unsigned int first = random_port_number(rng), last = random_port_number(rng);

	if (rng_percent(rng, 70) || first >= last)
		fprintf(out, "%u", first);
	else
		fprintf(out, "%u-%u", first, last);
}

void random_port(struct random_context *context, FILE *out)
{
	static const char *const protos[] = {"tcp", "tcp", "udp", "udp", "sctp"};
	static const char *const services[] = {"ssh", "telnet", "mixed", "ranges"};
	struct rng *rng = context->rng;

	if (rng_percent(rng, 15)) {
		fputs(PICK(rng, services), out);
		return;
	}
	write_ports(rng, out);
	fprintf(out, "/%s", PICK(rng, protos));
}

static void write_tcp_port(struct random_context *context, FILE *out)
{
	write_ports(context->rng, out);
	fputs("/tcp", out);
}

static void write_source_port(struct random_context *context, FILE *out)
{
	write_ports(context->rng, out);
}

static void write_proto(struct random_context *context, FILE *out)
{
	static const char *const protos[] = {"tcp", "udp", "sctp", "gre", "esp",
					     "ah",  "89",  "2",	   "60",  "255"};
	static const char *const icmp_too[] = {"icmp", "icmpv6"};

	/* Where a default decides ICMP, a rule that is about nothing else can never match. */
	if (strcmp(context->icmp, "allow") != 0 && rng_percent(context->rng, 20))
		fputs(PICK(context->rng, icmp_too), out);
	else
		fputs(PICK(context->rng, protos), out);
}

static void write_ported_proto(struct random_context *context, FILE *out)
{
	static const char *const protos[] = {"tcp", "udp", "sctp"};

	fputs(PICK(context->rng, protos), out);
}

static void write_icmp(struct random_context *context, FILE *out)
{
	static const char *const left_to_rules[] = {"echo-request",	 "echo-reply", "redirect",
						    "timestamp-request", "13",	       "130"};
	static const char *const essential[] = {"destination-unreachable", "time-exceeded",
						"parameter-problem", "neighbour-solicitation"};

	if (strcmp(context->icmp, "rules") == 0 && rng_percent(context->rng, 50))
		fputs(PICK(context->rng, essential), out);
	else
		fputs(PICK(context->rng, left_to_rules), out);
}

/* Either exactly some flags, or with `not`: those others do not matter. Never SYN with FIN or RST,
 * which is malformed and reaches no rule. */
static void write_flags(struct random_context *context, FILE *out)
{
	static const char *const names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"};
	struct rng *rng = context->rng;
	bool with_not = rng_percent(rng, 60), syn = false, first = true;

	if (rng_percent(rng, 15)) {
		fputs("none", out);
		return;
	}
	if (rng_percent(rng, 40)) {
		syn = true;
		with_not = rng_percent(rng, 80);
		fputs(with_not ? "[syn, not ack" : "[syn", out);
		first = false;
	} else {
		fputs(with_not ? "[not syn" : "[ack", out);
		first = false;
	}
	for (int flag = 0; flag < 8; flag++) {
		bool negated = with_not && rng_percent(rng, 50);

		if (flag == 1 || flag == 4 || rng_percent(rng, 75))
			continue;
		if (syn && !negated && (flag == 0 || flag == 2))
			continue;
		fprintf(out, "%s%s%s", first ? "" : ", ", negated ? "not " : "", names[flag]);
	}
	fputc(']', out);
}

static void write_interface(struct random_context *context, FILE *out)
{
	static const char *const patterns[] = {"eth0", "eth1", "wan0", "br-lan", "\"eth*\""};

	fputs(PICK(context->rng, patterns), out);
}

static void write_vlan(struct random_context *context, FILE *out)
{
	static const uint16_t ids[] = {1, 10, 20, 100, 4094};

	fprintf(out, "%u", PICK(context->rng, ids));
}

/* Ids that write_vlan() has not: an `except` must leave something of the rule. */
static void write_other_vlan(struct random_context *context, FILE *out)
{
	static const uint16_t ids[] = {2, 11, 4093};

	fprintf(out, "%u", PICK(context->rng, ids));
}

static void write_theme(struct random_context *context, FILE *out, enum theme theme)
{
	struct rng *rng = context->rng;

	switch (theme) {
	case THEME_TO_AND_FROM_PORT:
		fputs("    from-port: ", out);
		write_list(context, out, few(rng), write_source_port);
		fputc('\n', out);
		/* fallthrough */
	case THEME_TO:
		fputs("    to: ", out);
		write_list(context, out, few(rng), random_port);
		break;
	case THEME_PROTO:
		fputs("    proto: ", out);
		write_list(context, out, few(rng), write_proto);
		break;
	case THEME_PROTO_AND_FROM_PORT:
		fputs("    proto: ", out);
		write_list(context, out, 1, write_ported_proto);
		fputs("\n    from-port: ", out);
		write_list(context, out, few(rng), write_source_port);
		break;
	case THEME_ICMP:
		fputs("    icmp: ", out);
		write_list(context, out, few(rng), write_icmp);
		break;
	case THEME_FLAGS:
		fputs("    proto: tcp\n    flags: ", out);
		write_flags(context, out);
		if (rng_percent(rng, 40)) {
			fputs("\n    to: ", out);
			write_list(context, out, few(rng), write_tcp_port);
		}
		break;
	default:
		return;
	}
	fputc('\n', out);
}

/* The keys of an `except`, in braces: one to three, of those that leave something of the rule. */
static void write_except(struct random_context *context, FILE *out, enum theme theme,
			 unsigned int families)
{
	struct rng *rng = context->rng;
	bool ports = theme == THEME_ANY || theme == THEME_PROTO;
	const char *comma = "";

	fputs("    except: {", out);
	if (rng_percent(rng, 60)) {
		fputs("from: ", out);
		random_addresses(context, out, families);
		comma = ", ";
	}
	if (rng_percent(rng, 30)) {
		fprintf(out, "%sto-address: ", comma);
		random_addresses(context, out, families);
		comma = ", ";
	}
	if (ports && rng_percent(rng, 40)) {
		fprintf(out, "%sto: ", comma);
		write_list(context, out, few(rng), random_port);
		comma = ", ";
	} else if (theme == THEME_ANY && rng_percent(rng, 20)) {
		fprintf(out, "%sproto: ", comma);
		write_list(context, out, few(rng), write_proto);
		comma = ", ";
	} else if (theme == THEME_TO && context->flags && rng_percent(rng, 30)) {
		fprintf(out, "%sproto: tcp, flags: ", comma);
		write_flags(context, out);
		comma = ", ";
	}
	if (context->interfaces && rng_percent(rng, 10)) {
		fprintf(out, "%sinterface: ", comma);
		write_interface(context, out);
		comma = ", ";
	}
	if (context->vlans && rng_percent(rng, 20)) {
		fprintf(out, "%svlan: ", comma);
		write_list(context, out, few(rng),
			   rng_percent(rng, 50) ? write_other_vlan : write_vlan);
		comma = ", ";
	}
	if (!*comma) {
		fputs("from: ", out);
		random_addresses(context, out, families);
	}
	fputs("}\n", out);
}

static enum theme random_theme(const struct random_context *context)
{
	enum theme theme = rng_below(context->rng, NR_THEMES);

	if (theme == THEME_FLAGS && !context->flags)
		return THEME_TO;
	/* See write_proto(). */
	if (theme == THEME_ICMP && strcmp(context->icmp, "allow") == 0)
		return THEME_TO;
	if (theme == THEME_ANY && rng_percent(context->rng, context->narrow))
		return THEME_TO;
	return theme;
}

void random_match(struct random_context *context, FILE *out)
{
	static const unsigned int choices[] = {FAMILY_4, FAMILY_4, FAMILY_6, FAMILY_4 | FAMILY_6};
	struct rng *rng = context->rng;
	unsigned int families = PICK(rng, choices);
	enum theme theme = random_theme(context);
	bool written = theme != THEME_ANY;

	if (rng_percent(rng, 30 + context->narrow)) {
		fputs("    from: ", out);
		random_addresses(context, out, families);
		fputc('\n', out);
		written = true;
	}
	write_theme(context, out, theme);
	if (context->interfaces && rng_percent(rng, 10)) {
		fputs("    interface: ", out);
		write_list(context, out, few(rng), write_interface);
		fputc('\n', out);
		written = true;
	}
	if (context->vlans && rng_percent(rng, 10)) {
		fputs("    vlan: ", out);
		write_list(context, out, few(rng), write_vlan);
		fputc('\n', out);
		written = true;
	}
	if (!written || rng_percent(rng, 20 + context->narrow / 2)) {
		fputs("    to-address: ", out);
		random_addresses(context, out, families);
		fputc('\n', out);
	}
	if (rng_percent(rng, 15))
		write_except(context, out, theme, families);
}
