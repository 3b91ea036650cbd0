/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "set_order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

/* Kahn's algorithm: a set is ready when all that it excepts are. */
struct graph {
	uint32_t *waits_for;  /* by set: how many excepted sets are not ready */
	uint32_t *user_start; /* by set: where its users begin */
	uint32_t *users;      /* sets that except it */
};

static void graph_done(struct graph *graph)
{
	free(graph->waits_for);
	free(graph->user_start);
	free(graph->users);
}

static int graph_init(struct graph *graph, const struct set_sources *sources)
{
	size_t nr_users = 0;

	for (size_t i = 0; i < sources->count; i++)
		nr_users += sources->sources[i].nr_except;
	graph->waits_for = calloc(sources->count + 1, sizeof(uint32_t));
	graph->user_start = calloc(sources->count + 2, sizeof(uint32_t));
	graph->users = calloc(nr_users + 1, sizeof(uint32_t));
	if (!graph->waits_for || !graph->user_start || !graph->users)
		return -ENOMEM;
	for (size_t i = 0; i < sources->count; i++) {
		const struct set_source *source = &sources->sources[i];

		graph->waits_for[i] = (uint32_t)source->nr_except;
		for (size_t k = 0; k < source->nr_except; k++)
			graph->user_start[source->except[k] + 2]++;
	}
	for (size_t i = 2; i <= sources->count; i++)
		graph->user_start[i] += graph->user_start[i - 1];
	/* Filling moves each start to its end, which is where the next one starts: hence the 2. */
	for (size_t i = 0; i < sources->count; i++) {
		const struct set_source *source = &sources->sources[i];

		for (size_t k = 0; k < source->nr_except; k++)
			graph->users[graph->user_start[source->except[k] + 1]++] = (uint32_t)i;
	}
	return 0;
}

/* The first set that `at` excepts and that is not ready. */
static uint32_t next_waiting(const struct graph *graph, const struct set_sources *sources,
			     uint32_t at)
{
	const struct set_source *source = &sources->sources[at];
	size_t i = 0;

	while (!graph->waits_for[source->except[i]])
		i++;
	return source->except[i];
}

static void report_cycle(struct parser *parser, const struct graph *graph,
			 const struct set_sources *sources, uint32_t start)
{
	const struct policy_set *sets = parser->policy->sets;
	char path[256];
	size_t used = (size_t)snprintf(path, sizeof(path), "%s", sets[start].name);
	uint32_t at = start;

	do {
		at = next_waiting(graph, sources, at);
		used += (size_t)snprintf(path + used, sizeof(path) - used, " -> %s", sets[at].name);
	} while (at != start && used < sizeof(path));
	diag_error(parser->diags, sources->sources[start].except_at,
		   "set \"%s\" is subtracted from itself: %s", sets[start].name, path);
}

/* Each set that is not ready waits for another that is not: following those ends in a cycle. */
static int report_cycles(struct parser *parser, const struct graph *graph,
			 const struct set_sources *sources)
{
	CLEANUP(cleanup_free) uint32_t *visit = calloc(sources->count + 1, sizeof(*visit));

	if (!visit)
		return -ENOMEM;
	for (uint32_t start = 0; start < sources->count; start++) {
		uint32_t at = start;

		if (!graph->waits_for[start])
			continue;
		for (; !visit[at]; at = next_waiting(graph, sources, at))
			visit[at] = start + 1;
		if (visit[at] == start + 1)
			report_cycle(parser, graph, sources, at);
	}
	return 0;
}

int sets_order(struct parser *parser, const struct set_sources *sources, uint32_t *ret_order,
	       size_t *ret_count)
{
	CLEANUP(graph_done) struct graph graph = {0};
	size_t count = 0;
	int err = graph_init(&graph, sources);

	if (err)
		return err;
	for (uint32_t i = 0; i < sources->count; i++)
		if (!graph.waits_for[i])
			ret_order[count++] = i;
	for (size_t next = 0; next < count; next++) {
		uint32_t ready = ret_order[next];

		for (uint32_t k = graph.user_start[ready]; k < graph.user_start[ready + 1]; k++)
			if (--graph.waits_for[graph.users[k]] == 0)
				ret_order[count++] = graph.users[k];
	}
	*ret_count = count;
	return count < sources->count ? report_cycles(parser, &graph, sources) : 0;
}
