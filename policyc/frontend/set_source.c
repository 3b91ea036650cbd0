/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "set_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

void set_sources_done(struct set_sources *sources)
{
	for (size_t i = 0; sources->sources && i < sources->count; i++) {
		free(sources->sources[i].except);
		prefix_list_done(&sources->sources[i].except_prefixes);
	}
	free(sources->sources);
	*sources = (struct set_sources){0};
}

/* "feeds/x" of policy "/etc/synfw/edge.yaml" is "/etc/synfw/feeds/x". */
static char *resolve_path(const char *policy_file, const char *path)
{
	const char *slash = strrchr(policy_file, '/');
	char *resolved;

	if (*path == '/' || !slash)
		return strdup(path);
	if (asprintf(&resolved, "%.*s%s", (int)(slash + 1 - policy_file), policy_file, path) < 0)
		return NULL;
	return resolved;
}

static void format_age(uint64_t ns, char *out, size_t size)
{
	static const struct {
		const char *unit;
		uint64_t seconds;
	} units[] = {{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}};
	uint64_t seconds = ns / 1000000000ULL;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (seconds < 2 * units[i].seconds && units[i].seconds > 1)
			continue;
		snprintf(out, size, "%llu%s", (unsigned long long)(seconds / units[i].seconds),
			 units[i].unit);
		return;
	}
}

/* Returns whether the addresses of the file are to be used. */
static bool judge_age(struct parser *parser, const struct policy_set *set,
		      const struct set_source *source)
{
	uint64_t now_ns = parser->loader->now_ns;
	char age[32], limit[32];

	if (!now_ns || !set->max_age_ns || now_ns <= set->file_mtime_ns ||
	    now_ns - set->file_mtime_ns <= set->max_age_ns)
		return true;
	format_age(now_ns - set->file_mtime_ns, age, sizeof(age));
	format_age(set->max_age_ns, limit, sizeof(limit));
	switch (set->if_stale) {
	case STALE_FAIL:
		diag_error(parser->diags, source->file_at,
			   "set \"%s\" is stale: its file is %s old, allowed are %s", set->name,
			   age, limit);
		return true;
	case STALE_EMPTY:
		diag_warning(parser->diags, source->file_at,
			     "set \"%s\" is stale and taken as empty: its file is %s old, allowed "
			     "are %s",
			     set->name, age, limit);
		return false;
	case STALE_KEEP:
		break;
	}
	diag_warning(parser->diags, source->file_at,
		     "set \"%s\" is stale and kept: its file is %s old, allowed are %s", set->name,
		     age, limit);
	return true;
}

int set_source_load(struct parser *parser, struct policy_set *set, struct set_source *source)
{
	CLEANUP(cleanup_free) char *path = resolve_path(parser->tree.file, source->file);
	CLEANUP(cleanup_free) char *text = NULL;
	const char *name = path ? diags_intern(parser->diags, path) : NULL;
	size_t length, lines;
	int err;

	set->file = strdup(source->file);
	if (!name || !set->file)
		return -ENOMEM;
	set->max_age_ns = source->max_age_ns;
	set->if_stale = (enum set_if_stale)source->if_stale;
	err = parser->loader->load(parser->loader->context, path, &text, &length,
				   &set->file_mtime_ns);
	if (err == -ENOMEM)
		return err;
	if (err) {
		diag_error(parser->diags, source->file_at, "cannot read \"%s\": %s", path,
			   strerror(-err));
		return 0;
	}
	source->taken_as_empty = !judge_age(parser, set, source);
	if (source->taken_as_empty)
		return 0;
	err = set_file_parse(name, text, length, (enum set_file_format)source->format,
			     parser->diags, &set->prefixes);
	if (err != -E2BIG)
		return err;
	lines = set_file_lines(text, length);
	diag_error(parser->diags, source->file_at,
		   "set \"%s\" has more than %d prefixes: its file has %zu lines, and tables of so "
		   "many take about %zu MiB",
		   set->name, SYNFW_MAX_PREFIXES, lines, prefix_tables_mib(lines));
	prefix_list_done(&set->prefixes);
	return 0;
}
