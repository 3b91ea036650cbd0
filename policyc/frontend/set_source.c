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

/* ---- text that was loaded whole, as a stream ---- */

static ssize_t read_text(struct policyc_stream *stream, char *buffer, size_t room)
{
	if (room > stream->bytes)
		room = stream->bytes;
	memcpy(buffer, stream->text + stream->at, room);
	stream->at += room;
	stream->bytes -= room;
	return (ssize_t)room;
}

static void close_text(struct policyc_stream *stream)
{
	free(stream->text);
}

static int open_text(const struct policyc_loader *loader, const char *path,
		     struct policyc_stream *ret_stream)
{
	struct policyc_stream stream = {.read = read_text, .close = close_text};
	size_t length;
	int err = loader->load(loader->context, path, &stream.text, &length, &stream.mtime_ns);

	if (err)
		return err;
	stream.bytes = length;
	*ret_stream = stream;
	return 0;
}

/* ---- the file ---- */

static int report_unreadable(struct parser *parser, const struct set_source *source,
			     const char *path, int err)
{
	if (err == -ENOMEM)
		return err;
	diag_error(parser->diags, source->file_at, "cannot read \"%s\": %s", path, strerror(-err));
	return 0;
}

static void report_too_large(struct parser *parser, const struct set_source *source,
			     struct policy_set *set, size_t lines)
{
	diag_error(parser->diags, source->file_at,
		   "set \"%s\" has more than %d prefixes: its file has %zu lines, and tables of so "
		   "many take about %zu MiB",
		   set->name, SYNFW_MAX_PREFIXES, lines, prefix_tables_mib(&set->prefixes, lines));
	prefix_list_done(&set->prefixes);
}

/* Returns 0, whatever was reported, or -ENOMEM. */
static int read_stream(struct parser *parser, struct policy_set *set, struct set_source *source,
		       const char *path, struct policyc_stream *stream)
{
	const char *name = diags_intern(parser->diags, path);
	size_t lines;
	int err;

	if (!name)
		return -ENOMEM;
	set->file_mtime_ns = stream->mtime_ns;
	source->taken_as_empty = !judge_age(parser, set, source);
	if (source->taken_as_empty)
		return 0;
	err = set_file_read(name, stream, (enum set_file_format)source->format, parser->diags,
			    &set->prefixes, &lines);
	if (err == -E2BIG)
		report_too_large(parser, source, set, lines);
	else if (err)
		return report_unreadable(parser, source, path, err);
	return 0;
}

int set_source_load(struct parser *parser, struct policy_set *set, struct set_source *source)
{
	const struct policyc_loader *loader = parser->loader;
	CLEANUP(cleanup_free) char *path = resolve_path(parser->tree.file, source->file);
	struct policyc_stream stream;
	int err;

	set->file = strdup(source->file);
	if (!path || !set->file)
		return -ENOMEM;
	set->max_age_ns = source->max_age_ns;
	set->if_stale = (enum set_if_stale)source->if_stale;
	err = loader->open ? loader->open(loader->context, path, &stream)
			   : open_text(loader, path, &stream);
	if (err)
		return report_unreadable(parser, source, path, err);
	err = read_stream(parser, set, source, path, &stream);
	stream.close(&stream);
	return err;
}
