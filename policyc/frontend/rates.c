/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "rates.h"

#include <string.h>

#define NS_PER_S 1000000000ULL

static bool rate_read(const char *text, uint32_t max, struct rate *ret_rate)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = {{"/s", 1}, {"/min", 60}, {"/h", 3600}};
	size_t digits = strspn(text, "0123456789");
	uint32_t count;

	if (!parse_number(text, digits, max, &count) || !count)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text + digits, units[i].unit))
			continue;
		*ret_rate = (struct rate){count, units[i].seconds * NS_PER_S};
		return true;
	}
	return false;
}

static int parse_rate_to(struct parser *parser, const struct node *value, uint32_t max,
			 struct rate *ret_rate)
{
	const char *text = parse_scalar(parser, value, "a rate");
	struct diag *diag;

	if (!text || rate_read(text, max, ret_rate))
		return 0;
	diag = diag_error(parser->diags, location_of(parser, value), "\"%s\" is not a rate", text);
	diag_hint(diag, "a number from 1 to %u and /s, /min or /h, as in 10/min", max);
	return 0;
}

int parse_rate(struct parser *parser, const struct schema_key *key, const struct node *value,
	       void *target)
{
	return parse_rate_to(parser, value, MAX_RATE, target);
}

int parse_decay(struct parser *parser, const struct schema_key *key, const struct node *value,
		void *target)
{
	return parse_rate_to(parser, value, MAX_DECAY, target);
}

int parse_count(struct parser *parser, const struct node *value, const char *what, uint32_t max,
		uint32_t *ret_count)
{
	const char *text = parse_scalar(parser, value, what);
	uint32_t count;

	if (!text)
		return 0;
	if (!parse_number(text, strlen(text), max, &count) || !count) {
		diag_error(parser->diags, location_of(parser, value), "\"%s\" is not %s: 1 to %u",
			   text, what, max);
		return 0;
	}
	*ret_count = count;
	return 0;
}
