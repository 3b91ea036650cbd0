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

static int finish_set(struct parser *parser, struct policy_set *set, struct set_source *source)
{
	int err = 0;

	prefix_list_normalise(&set->prefixes);
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

int sets_finish(struct parser *parser, struct set_sources *sources)
{
	CLEANUP(cleanup_free) uint32_t *order = calloc(sources->count + 1, sizeof(*order));
	size_t count;
	int err;

	if (!order)
		return -ENOMEM;
	err = sets_order(parser, sources, order, &count);
	for (size_t i = 0; i < count && !err; i++)
		err = finish_set(parser, &parser->policy->sets[order[i]],
				 &sources->sources[order[i]]);
	if (err)
		return err;
	for (size_t i = 0; i < sources->count && !diags_errors(parser->diags); i++) {
		const struct policy_set *set = &parser->policy->sets[i];

		if (!prefix_list_count(&set->prefixes) && !sources->sources[i].taken_as_empty)
			diag_warning(parser->diags, set->at,
				     "set \"%s\" has no addresses: what refers to it never matches",
				     set->name);
	}
	return 0;
}

/* The limit is on distinct prefixes of all sets together. Duplicates go whenever the list is twice
 * as long as it may be, so that many small sets do not mean as many sorts. */
int sets_check_total(struct parser *parser)
{
	const struct policy *policy = parser->policy;
	CLEANUP(prefix_list_done) struct prefix_list all = {0};
	size_t total = 0;

	for (size_t i = 0; i < policy->nr_sets; i++)
		total += prefix_list_count(&policy->sets[i].prefixes);
	if (total <= SYNFW_MAX_PREFIXES)
		return 0;
	for (size_t i = 0; i < policy->nr_sets; i++) {
		int err = add_list(&all, &policy->sets[i].prefixes);

		if (err)
			return err;
		if (i + 1 < policy->nr_sets && prefix_list_count(&all) < 2 * SYNFW_MAX_PREFIXES)
			continue;
		prefix_list_deduplicate(&all);
		if (prefix_list_count(&all) <= SYNFW_MAX_PREFIXES)
			continue;
		diag_error(parser->diags, policy->sets[i].at,
			   "more than %d distinct prefixes in all sets together",
			   SYNFW_MAX_PREFIXES);
		break;
	}
	return 0;
}
