/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw show scores */
#include "cmd_show.h"

#include <errno.h>
#include <stdio.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/ui.h"
#include "datapath/source.h"
#include "report/block_report.h"
#include "report/report.h"
#include "sources/scores.h"

#define NS_PER_S 1000000000ULL

static uint64_t seconds_left(const struct live *live, const struct scored *scored)
{
	return (score_ends_in_ns(scored->level, &live->scoring) + NS_PER_S - 1) / NS_PER_S;
}

static json_t *score_json(const struct live *live, const struct scored *scored,
			  const struct rule_names *names)
{
	char source[SOURCE_TEXT_MAX];

	/* clang-format off */
	return json_pack("{s:s, s:I, s:I, s:o}",
			 "source", source_text(&scored->source, live->scoring.ipv6_prefixlen, source),
			 "score", (json_int_t)score_points(scored->level),
			 "zero_in_s", (json_int_t)seconds_left(live, scored),
			 "parts", rule_names_parts_json(names, scored->part));
	/* clang-format on */
}

static int print_score(const struct live *live, const struct scored *scored,
		       const struct rule_names *names, struct fault *fault)
{
	CLEANUP(cleanup_free) char *parts = rule_names_parts_text(names, scored->part);
	char source[SOURCE_TEXT_MAX];

	if (!parts)
		return fault_system(fault, -ENOMEM, "cannot list the scores");
	printf("%-24s %6u %8llu s  %s\n",
	       source_text(&scored->source, live->scoring.ipv6_prefixlen, source),
	       score_points(scored->level), (unsigned long long)seconds_left(live, scored), parts);
	return 0;
}

static json_t *limit_json(uint32_t points)
{
	return points ? json_integer(points) : json_null();
}

static int print_json(const struct live *live, const struct scored *scores, size_t count,
		      const struct rule_names *names)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_array_append_new(array, score_json(live, &scores[i], names));
	/* clang-format off */
	root = json_pack("{s:s, s:o, s:o, s:I, s:I, s:o}",
			 "schema", "synfw.show.scores/1",
			 "flag_at", limit_json(live->scoring.flag_at),
			 "drop_at", limit_json(live->scoring.drop_at),
			 "count", (json_int_t)count,
			 "size", (json_int_t)SYNFW_MAX_SOURCES,
			 "scores", array);
	/* clang-format on */
	report_print_json(root);
	return 0;
}

int show_scores(const struct invocation *invocation, const struct live *live, struct fault *fault)
{
	CLEANUP(rule_names_close) struct rule_names names = {NULL};
	CLEANUP(cleanup_free) struct scored *scores = NULL;
	size_t count = 0, i;
	int err = 0;

	if (rule_names_open(live->manifest, &names))
		return fault_system(fault, -ENOMEM, "cannot list the scores");
	if (live->present)
		err = scores_read(&live->object, &live->scoring, fault, &scores, &count);
	if (err)
		return err;
	if (option_given(invocation, "json"))
		return print_json(live, scores, count, &names);
	printf("%-24s %6s %10s  %s\n", "SOURCE", "SCORE", "ZERO IN", "GIVEN BY");
	for (i = 0; !err && i < count; i++)
		err = print_score(live, &scores[i], &names, fault);
	return err;
}
