/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "set_subtract.h"

#include <errno.h>
#include <stdlib.h>

#include <synfw/cleanup.h>

#include "set_order.h"

static int subtract(struct parser *parser, struct policy_set *set, const struct prefix_list *except,
		    struct location at)
{
	int err = prefix_list_subtract(&set->prefixes, except);

	if (err != -E2BIG)
		return err;
	diag_error(parser->diags, at, "subtracting this leaves more than %d prefixes in set \"%s\"",
		   SYNFW_MAX_PREFIXES, set->name);
	return 0;
}

static void refuse_dynamic(struct parser *parser, const struct policy_set *set, struct location at)
{
	struct diag *diag = diag_error(parser->diags, at,
				       "set \"%s\" cannot be subtracted: it is dynamic, and its "
				       "members are not known when the policy is compiled",
				       set->name);

	diag_hint(diag, "a rule may name it in its own \"except\"");
}

static int finish_set(struct parser *parser, struct policy_set *set, struct set_source *source)
{
	int err = 0;

	for (size_t i = 0; i < source->nr_except; i++)
		if (parser->policy->sets[source->except[i]].dynamic)
			refuse_dynamic(parser, &parser->policy->sets[source->except[i]],
				       source->except_at);

	prefix_list_normalise(&source->except_prefixes);
	if (prefix_list_count(&source->except_prefixes))
		err = subtract(parser, set, &source->except_prefixes, source->except_at);
	for (size_t i = 0; i < source->nr_except && !err; i++)
		err = subtract(parser, set, &parser->policy->sets[source->except[i]].prefixes,
			       source->except_at);
	return err;
}

static int add_list(struct prefix_list *all, const struct prefix_list *list)
{
	int err = 0;

	for (size_t i = 0; i < list->nr_v4 && !err; i++)
		err = prefix_list_add4(all, list->v4[i].addr, list->v4[i].prefixlen);
	for (size_t i = 0; i < list->nr_v6 && !err; i++)
		err = prefix_list_add6(all, list->v6[i].addr, list->v6[i].prefixlen);
	return err;
}

bool sets_within_limit(struct parser *parser, size_t total, struct location at)
{
	struct diag *diag;

	if (total <= MAX_TOTAL_PREFIXES)
		return true;
	diag = diag_error(parser->diags, at,
			  "more than %d prefixes in all sets together, counted for each set that "
			  "has them",
			  MAX_TOTAL_PREFIXES);
	diag_hint(diag, "one set for one file, and rules that refer to it");
	return false;
}

int sets_finish(struct parser *parser, struct set_sources *sources)
{
	CLEANUP(cleanup_free) uint32_t *order = calloc(sources->count + 1, sizeof(*order));
	size_t count, total = 0;
	int err;

	if (!order)
		return -ENOMEM;
	err = sets_order(parser, sources, order, &count);
	for (size_t i = 0; i < sources->count; i++)
		total += prefix_list_count(&parser->policy->sets[i].prefixes);
	for (size_t i = 0; i < count && !err && !parser->sets_too_large; i++) {
		struct policy_set *set = &parser->policy->sets[order[i]];

		total -= prefix_list_count(&set->prefixes);
		err = finish_set(parser, set, &sources->sources[order[i]]);
		total += prefix_list_count(&set->prefixes);
		parser->sets_too_large = !sets_within_limit(parser, total, set->at);
	}
	if (err)
		return err;
	for (size_t i = 0; i < sources->count && !diags_errors(parser->diags); i++) {
		const struct policy_set *set = &parser->policy->sets[i];

		if (!set->dynamic && !prefix_list_count(&set->prefixes) &&
		    !sources->sources[i].taken_as_empty)
			diag_warning(parser->diags, set->at,
				     "set \"%s\" has no addresses: what refers to it never matches",
				     set->name);
	}
	return 0;
}

int sets_check_total(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	CLEANUP(prefix_list_done) struct prefix_list all = {0};
	struct location at = {0};
	size_t total = 0;
	int err = 0;

	for (size_t i = 0; i < policy->nr_sets && total <= MAX_TOTAL_PREFIXES; i++) {
		total += prefix_list_count(&policy->sets[i].prefixes);
		at = policy->sets[i].at;
	}
	if (total <= SYNFW_MAX_PREFIXES || parser->sets_too_large ||
	    !sets_within_limit(parser, total, at))
		return 0;
	for (size_t i = 0; i < policy->nr_sets && !err; i++)
		err = add_list(&all, &policy->sets[i].prefixes);
	if (err)
		return err;
	prefix_list_deduplicate(&all);
	if (prefix_list_count(&all) > SYNFW_MAX_PREFIXES)
		diag_error(
			parser->diags, at,
			"more than %d distinct prefixes in all sets together: there are %zu, and "
			"tables of so many take about %zu MiB",
			SYNFW_MAX_PREFIXES, prefix_list_count(&all),
			prefix_tables_mib(&all, prefix_list_count(&all)));
	return 0;
}
