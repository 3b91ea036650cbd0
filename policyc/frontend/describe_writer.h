/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DESCRIBE_WRITER_H
#define POLICYC_DESCRIBE_WRITER_H

/* What the parts of policy_rule_describe() and its kin share. */
#include <errno.h>
#include <stdio.h>

#include <synfw/cleanup.h>

#include "../model.h"

/* "from a, b; to c": keys are separated by semicolons, their values by commas. */
struct writer {
	FILE *out;
	const struct policy *policy;
	bool first_key, first_value;
};

static inline void begin_key(struct writer *writer, const char *key)
{
	fprintf(writer->out, "%s%s", writer->first_key ? "" : "; ", key);
	writer->first_key = false;
	writer->first_value = true;
}

static inline void begin_value(struct writer *writer)
{
	fprintf(writer->out, "%s", writer->first_value ? " " : ", ");
	writer->first_value = false;
}

static inline int finish(FILE *out, char **text, char **ret_text)
{
	bool failed = ferror(out);

	/* A memory stream reports lack of memory at the latest when it is closed. */
	if (fclose(out) || failed)
		return -ENOMEM;
	*ret_text = TAKE_PTR(*text);
	return 0;
}

/* describe_effects.c: `rate` and `distinct-ports`; what the rule decides and does. */
void write_limit(struct writer *writer, const struct rule_limit *limit);
void write_outcome(struct writer *writer, const struct policy_rule *rule);

/* describe_effects.c: "10/min", "36h". */
void write_rate(struct writer *writer, const struct rate *rate);
void write_duration(struct writer *writer, uint64_t ns);

#endif
