/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "path_pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "array.h"

/* What the question of the shadow program has room for, with a NUL. */
#define MAX_FILE_PATH sizeof(((struct synfw_process_question *)NULL)->path)

/* Longer lists are compared only for being the same: every pair of patterns is looked at. */
#define MAX_PAIRWISE 64

/* "/a/b": components that are neither empty nor "." nor "..". */
static bool is_normal(const char *path, size_t length)
{
	const char *end = path + length;

	if (length && path[0] != '/')
		return false;
	for (const char *slash = path; slash < end;) {
		const char *name = slash + 1;
		const char *next = memchr(name, '/', (size_t)(end - name));
		size_t size = (size_t)((next ? next : end) - name);

		if (!size || (size <= 2 && !memcmp(name, "..", size)))
			return false;
		slash = next ? next : end;
	}
	return true;
}

const char *path_words_parse(const char *text, struct path_words *ret)
{
	size_t length = strlen(text);
	struct path_words words = {PATH_EXACT, text, length};

	if (!strcmp(text, "memfd")) {
		*ret = (struct path_words){PATH_MEMFD, text + length, 0};
		return NULL;
	}
	if (!strncmp(text, "**/", 3))
		words = (struct path_words){PATH_NAME, text + 2, length - 2};
	else if (text[0] == '/' && length >= 3 && !strcmp(text + length - 3, "/**"))
		words = (struct path_words){PATH_UNDER, text, length - 2};
	if (memchr(words.start, '*', words.length))
		return "has a \"*\" where none may stand";
	if (words.start[0] != '/')
		return "is not an absolute path";
	/* The directory without its slash; nothing is left of the root's. */
	length = words.kind == PATH_UNDER ? words.length - 1 : words.length;
	if (!is_normal(words.start, length))
		return "has a component that is empty, \".\" or \"..\"";
	*ret = words;
	return NULL;
}

static void report_pattern(struct parser *parser, const struct node *value, const char *problem)
{
	struct diag *diag = diag_error(parser->diags, location_of(parser, value), "\"%s\" %s",
				       value->text, problem);
	const char *text = value->text;
	size_t length = strlen(text);

	if (length && !strpbrk(text, "/*") && text[0] != '.')
		diag_hint(diag, "every file of that name is \"**/%s\"", text);
	else if (length > 1 && text[length - 1] == '/' && !strchr(text, '*') &&
		 is_normal(text, length - 1))
		diag_hint(diag, "all that is below it is \"%s**\"", text);
	else
		diag_hint(diag, "an absolute path, \"/dir/**\", \"**/name\" or memfd");
}

/* A list while it is read. */
struct list_draft {
	struct path_list *list;
	struct name_table known; /* kind and path of its patterns */
};

static void list_draft_done(struct list_draft *draft)
{
	name_table_done(&draft->known);
}

/* 0 or -ENOMEM; *ret_known says whether it had been noted before. */
static int list_note(struct list_draft *draft, enum path_kind kind, const char *path,
		     bool *ret_known)
{
	char key[1 + SYNFW_MAX_PATTERN];
	size_t length = strlen(path);

	key[0] = (char)kind;
	memcpy(key + 1, path, length);
	*ret_known = name_table_find(&draft->known, key, 1 + length) != NAME_NOT_FOUND;
	return *ret_known ? 0 : name_table_add(&draft->known, key, 1 + length, 0);
}

/* Takes `path` over, whatever is returned. */
static int list_add(struct list_draft *draft, enum path_kind kind, char *path, bool resolved)
{
	CLEANUP(cleanup_free) char *owned = path;
	struct path_list *list = draft->list;
	struct path_pattern *added;
	bool known;
	int err = owned ? list_note(draft, kind, owned, &known) : -ENOMEM;

	if (err || known)
		return err;
	added = ARRAY_APPEND(list->pattern, list->count);
	if (!added)
		return -ENOMEM;
	*added = (struct path_pattern){
		.kind = kind, .length = (uint32_t)strlen(owned), .resolved = resolved};
	added->path = TAKE_PTR(owned);
	return 0;
}

/* *ret_path is NULL when the path is not to be, or cannot be, looked up: it stays as it is written.
 */
static int resolve(struct parser *parser, const char *path, char **ret_path)
{
	const struct policyc_loader *loader = parser->loader;
	char *resolved = NULL;
	int err = loader->resolve ? loader->resolve(loader->context, path, &resolved) : 0;

	if (err == -ENOMEM)
		return err;
	*ret_path = err ? NULL : resolved;
	return 0;
}

/* The directory of "/dir/" is looked up without the slash, and gets it again. */
static int add_resolved(struct parser *parser, const struct node *value,
			const struct path_words *words, struct list_draft *draft)
{
	size_t slash = words->kind == PATH_UNDER ? 1 : 0, length;
	CLEANUP(cleanup_free) char *path = strndup(words->start, words->length - slash);
	CLEANUP(cleanup_free) char *resolved = NULL;
	char *pattern;
	int err = path ? resolve(parser, path, &resolved) : -ENOMEM;

	if (err || !resolved)
		return err;
	length = strlen(resolved);
	if (length + slash > SYNFW_MAX_PATTERN) {
		diag_error(parser->diags, location_of(parser, value),
			   "\"%s\" is a path of %zu bytes on this host: at most %d", value->text,
			   length + slash, SYNFW_MAX_PATTERN);
		return 0;
	}
	if (asprintf(&pattern, "%s%s", resolved, slash && strcmp(resolved, "/") ? "/" : "") < 0)
		return -ENOMEM;
	return list_add(draft, words->kind, pattern, true);
}

static int parse_pattern(struct parser *parser, const struct schema_key *key,
			 const struct node *value, void *target)
{
	const char *text = parse_scalar(parser, value, "a path");
	struct list_draft *draft = target;
	struct path_words words;
	const char *problem;
	int err;

	if (!text)
		return 0;
	problem = path_words_parse(text, &words);
	if (problem) {
		report_pattern(parser, value, problem);
		return 0;
	}
	if (words.length > SYNFW_MAX_PATTERN) {
		diag_error(parser->diags, location_of(parser, value),
			   "the path is %zu bytes long: at most %d", words.length,
			   SYNFW_MAX_PATTERN);
		return 0;
	}
	err = list_add(draft, words.kind, strndup(words.start, words.length), false);
	if (err || (words.kind != PATH_EXACT && words.kind != PATH_UNDER) || words.length == 1)
		return err;
	return add_resolved(parser, value, &words, draft);
}

int path_list_parse(struct parser *parser, const struct schema_key *key, const struct node *value,
		    void *target)
{
	CLEANUP(list_draft_done) struct list_draft draft = {.list = target};

	return parse_list(parser, key, value, parse_pattern, &draft);
}

int path_parse_file(struct parser *parser, const struct node *value, bool may_be_memfd,
		    char **ret_path)
{
	const char *text = parse_scalar(parser, value, "a path");
	CLEANUP(cleanup_free) char *path = NULL;
	struct path_words words;
	struct diag *diag;
	int err;

	if (!text)
		return 0;
	if (path_words_parse(text, &words) || words.length >= MAX_FILE_PATH ||
	    (words.kind != PATH_EXACT && !(words.kind == PATH_MEMFD && may_be_memfd))) {
		diag = diag_error(parser->diags, location_of(parser, value),
				  "\"%s\" is not the path of a file", text);
		diag_hint(diag, may_be_memfd ? "as in /usr/bin/nc, or memfd" : "as in /usr/bin/nc");
		return 0;
	}
	if (words.kind == PATH_MEMFD)
		return 0;
	err = resolve(parser, text, &path);
	if (!err && (!path || strlen(path) >= MAX_FILE_PATH)) {
		free(path);
		path = strdup(text);
		err = path ? 0 : -ENOMEM;
	}
	if (!err)
		*ret_path = TAKE_PTR(path);
	return err;
}

static bool ends_with(const struct path_pattern *pattern, const struct path_pattern *end)
{
	return pattern->length >= end->length &&
	       !memcmp(pattern->path + pattern->length - end->length, end->path, end->length);
}

/* What is below /a/b/ is below /a/, too; what ends with /b/c ends with /c. An exact path is covered
 * by none of them: it stands for the file, which may have another link elsewhere. */
static bool pattern_covers(const struct path_pattern *outer, const struct path_pattern *inner)
{
	if (outer->kind != inner->kind)
		return false;
	if (outer->kind == PATH_UNDER)
		return !strncmp(outer->path, inner->path, outer->length);
	if (outer->kind == PATH_NAME)
		return ends_with(inner, outer);
	return !strcmp(outer->path, inner->path);
}

static bool any_covers(const struct path_list *outer, const struct path_pattern *inner,
		       uint64_t *work)
{
	for (size_t i = 0; i < outer->count; i++) {
		++*work;
		if (pattern_covers(&outer->pattern[i], inner))
			return true;
	}
	return false;
}

bool path_list_covers(const struct path_list *outer, const struct path_list *inner, uint64_t *work)
{
	bool pairwise = outer->count <= MAX_PAIRWISE && inner->count <= MAX_PAIRWISE;

	for (size_t i = 0; i < inner->count; i++) {
		const struct path_pattern *pattern = &inner->pattern[i];

		/* lists that are the same in the same order are common */
		++*work;
		if (i < outer->count && pattern_covers(&outer->pattern[i], pattern))
			continue;
		if (!pairwise || !any_covers(outer, pattern, work))
			return false;
	}
	return true;
}
