/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include <synfw/cleanup.h>

#include "arena.h"
#include "printable.h"

/* Words that stop libyaml but not us: each costs one more pass over the text. */
#define MAX_REPAIRS 20

/* Where the last mark was: marks come nearly in order, so that finding the next one is cheap. */
struct cursor {
	size_t index;  /* in characters, as libyaml counts */
	size_t offset; /* in bytes */
	uint32_t line;
	size_t line_start;
};

struct open_node {
	struct node *node;
	struct node **tail;
};

struct builder {
	struct tree tree;
	struct diags *diags;
	yaml_parser_t parser;
	struct cursor cursor;
	struct open_node open[YAML_TREE_MAX_DEPTH];
	size_t depth, nr_nodes, nr_documents;
	bool stopped;	/* a limit was reported */
	size_t bom;	/* bytes of a byte order mark, which no column counts */
	char *repaired; /* copy of the text, once a word had to be replaced in it */
	struct span repairs[MAX_REPAIRS];
	size_t nr_repairs;
	size_t reported_until; /* what stands before was reported in an earlier pass */
};

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

static size_t mark_offset(struct builder *builder, size_t index)
{
	const char *text = builder->tree.text;
	struct cursor *cursor = &builder->cursor;

	while (cursor->index < index && cursor->offset < builder->tree.length) {
		cursor->offset++;
		while (cursor->offset < builder->tree.length &&
		       is_continuation(text[cursor->offset]))
			cursor->offset++;
		cursor->index++;
	}
	while (cursor->index > index && cursor->offset > builder->bom) {
		cursor->offset--;
		while (cursor->offset > 0 && is_continuation(text[cursor->offset]))
			cursor->offset--;
		cursor->index--;
	}
	return cursor->offset;
}

/* Lines end at '\n' alone, as in every editor; libyaml knows others. */
static struct location offset_location(struct builder *builder, size_t offset, size_t length)
{
	const char *text = builder->tree.text;
	struct cursor *cursor = &builder->cursor;
	const char *newline;

	if (offset < builder->bom)
		offset = builder->bom;
	while (cursor->line_start > offset) {
		newline = memrchr(text, '\n', cursor->line_start - 1);
		cursor->line_start = newline ? (size_t)(newline + 1 - text) : builder->bom;
		cursor->line--;
	}
	while ((newline = memchr(text + cursor->line_start, '\n', offset - cursor->line_start))) {
		cursor->line_start = (size_t)(newline + 1 - text);
		cursor->line++;
	}
	newline = memchr(text + offset, '\n', length);
	return (struct location){
		.file = builder->tree.file,
		.line = cursor->line,
		.column = (uint32_t)(offset - cursor->line_start + 1),
		.length = (uint32_t)(newline ? (size_t)(newline - text) - offset : length),
	};
}

struct location node_at(const struct tree *tree, const struct node *node)
{
	return (struct location){tree->file, node->line, node->column, node->length};
}

static struct location event_location(struct builder *builder, const yaml_event_t *event)
{
	size_t start = mark_offset(builder, event->start_mark.index);
	size_t end = mark_offset(builder, event->end_mark.index);

	return offset_location(builder, start, end > start ? end - start : 0);
}

/* Whether what the event has to report was not reported by the pass before. */
static bool is_new(struct builder *builder, const yaml_event_t *event)
{
	size_t start = mark_offset(builder, event->start_mark.index);

	if (start < builder->reported_until)
		return false;
	builder->reported_until = start + 1;
	return true;
}

static void refuse_properties(struct builder *builder, const yaml_event_t *event,
			      const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct location at;

	if ((!anchor && !tag) || !is_new(builder, event))
		return;
	at = event_location(builder, event);
	if (tag)
		diag_error(builder->diags, at,
			   "tag \"%s\": values have no tags, their key says how they are read",
			   (const char *)tag);
	if (anchor)
		diag_error(builder->diags, at,
			   "anchor \"&%s\": anchors and aliases are not part of the language",
			   (const char *)anchor);
}

static bool is_repaired(const struct builder *builder, size_t start, size_t end)
{
	for (size_t i = 0; i < builder->nr_repairs; i++)
		if (builder->repairs[i].start < end &&
		    start < builder->repairs[i].start + builder->repairs[i].length)
			return true;
	return false;
}

static int add_node(struct builder *builder, const yaml_event_t *event, enum node_kind kind,
		    struct node **ret_node)
{
	struct location at = event_location(builder, event);
	struct node *node;

	if (++builder->nr_nodes > YAML_TREE_MAX_NODES) {
		diag_error(builder->diags, at, "more than %u values in one file",
			   YAML_TREE_MAX_NODES);
		builder->stopped = true;
		return 0;
	}
	node = arena_alloc(&builder->tree.arena, sizeof(*node));
	if (!node)
		return -ENOMEM;
	node->kind = kind;
	node->offset = mark_offset(builder, event->start_mark.index);
	node->line = at.line;
	node->column = at.column;
	node->length = kind == NODE_SCALAR || kind == NODE_INVALID ? at.length : 1;
	if (builder->depth) {
		struct open_node *parent = &builder->open[builder->depth - 1];

		*parent->tail = node;
		parent->tail = &node->next;
	} else {
		builder->tree.root = node;
	}
	*ret_node = node;
	return 0;
}

static int add_scalar(struct builder *builder, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct node *node = NULL;
	int err;

	refuse_properties(builder, event, event->data.scalar.anchor, event->data.scalar.tag);
	err = add_node(builder, event, NODE_SCALAR, &node);
	if (err || !node)
		return err;
	if (memchr(value, '\0', length)) {
		if (is_new(builder, event))
			diag_error(builder->diags, event_location(builder, event),
				   "the value contains a NUL character");
		node->kind = NODE_INVALID;
	}
	if (is_repaired(builder, node->offset, node->offset + node->length))
		node->kind = NODE_INVALID;
	node->text = arena_copy(&builder->tree.arena, value, length);
	return node->text ? 0 : -ENOMEM;
}

static int add_alias(struct builder *builder, const yaml_event_t *event)
{
	struct node *node = NULL;
	int err;

	if (is_new(builder, event))
		diag_error(builder->diags, event_location(builder, event),
			   "alias \"*%s\": anchors and aliases are not part of the language",
			   (const char *)event->data.alias.anchor);
	err = add_node(builder, event, NODE_INVALID, &node);
	if (!err && node)
		node->text = "";
	return err;
}

static int open_collection(struct builder *builder, const yaml_event_t *event, enum node_kind kind)
{
	struct node *node = NULL;
	int err;

	if (kind == NODE_SEQUENCE)
		refuse_properties(builder, event, event->data.sequence_start.anchor,
				  event->data.sequence_start.tag);
	else
		refuse_properties(builder, event, event->data.mapping_start.anchor,
				  event->data.mapping_start.tag);
	if (builder->depth == YAML_TREE_MAX_DEPTH) {
		diag_error(builder->diags, event_location(builder, event),
			   "nested deeper than %u levels", YAML_TREE_MAX_DEPTH);
		builder->stopped = true;
		return 0;
	}
	err = add_node(builder, event, kind, &node);
	if (err || !node)
		return err;
	builder->open[builder->depth++] = (struct open_node){node, &node->first};
	return 0;
}

static int take_event(struct builder *builder, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return add_scalar(builder, event);
	case YAML_ALIAS_EVENT:
		return add_alias(builder, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_collection(builder, event, NODE_SEQUENCE);
	case YAML_MAPPING_START_EVENT:
		return open_collection(builder, event, NODE_MAPPING);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		builder->depth--;
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		if (++builder->nr_documents > 1) {
			diag_error(builder->diags, event_location(builder, event),
				   "a second document: a policy is one document");
			builder->stopped = true;
		}
		return 0;
	default:
		return 0;
	}
}

/* Blots out a word that libyaml cannot read, so that the next pass gets beyond it. */
static int repair(struct builder *builder, struct span word)
{
	if (!builder->repaired) {
		builder->repaired = malloc(builder->tree.length);
		if (!builder->repaired)
			return -ENOMEM;
		memcpy(builder->repaired, builder->tree.text, builder->tree.length);
	}
	memset(builder->repaired + word.start, '_', word.length);
	builder->repairs[builder->nr_repairs++] = word;
	return -EAGAIN;
}

/* Returns -EAGAIN when another pass can find more. */
static int take_syntax_error(struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	size_t offset = parser->error == YAML_READER_ERROR
				? builder->bom + parser->problem_offset
				: mark_offset(builder, parser->problem_mark.index);
	bool can_repair = builder->nr_repairs < MAX_REPAIRS;
	struct location at;
	struct diag *diag;
	struct span word;

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (offset > builder->tree.length)
		offset = builder->tree.length;
	if (tree_ipv6_word(&builder->tree, offset, &word)) {
		at = offset_location(builder, word.start, word.length);
		tree_report_ipv6(&builder->tree, builder->diags, at, word);
		return can_repair ? repair(builder, word) : 0;
	}
	at = offset_location(builder, offset, offset < builder->tree.length ? 1 : 0);
	diag = diag_error(builder->diags, at, "YAML syntax: %s", parser->problem);
	if (offset && builder->tree.text[offset - 1] == '*')
		diag_hint(diag, "quote what begins with a star, as in \"**/name\"");
	if (parser->context && parser->context_mark.index != parser->problem_mark.index)
		diag_related(builder->diags, diag,
			     offset_location(builder,
					     mark_offset(builder, parser->context_mark.index), 1),
			     "%s", parser->context);
	return 0;
}

static int run_events(struct builder *builder)
{
	for (;;) {
		yaml_event_t event;
		bool last;
		int err;

		if (!yaml_parser_parse(&builder->parser, &event)) {
			builder->stopped = true;
			return take_syntax_error(builder);
		}
		last = event.type == YAML_STREAM_END_EVENT;
		err = take_event(builder, &event);
		yaml_event_delete(&event);
		if (err || last || builder->stopped)
			return err;
	}
}

static int run_pass(struct builder *builder)
{
	const char *input = builder->repaired ? builder->repaired : builder->tree.text;
	int err;

	builder->cursor = (struct cursor){
		.offset = builder->bom,
		.line = 1,
		.line_start = builder->bom,
	};
	builder->depth = builder->nr_nodes = builder->nr_documents = 0;
	builder->tree.root = NULL;
	builder->stopped = false;
	arena_free(builder->tree.arena);
	builder->tree.arena = NULL;
	if (!yaml_parser_initialize(&builder->parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&builder->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&builder->parser, (const unsigned char *)input + builder->bom,
				     builder->tree.length - builder->bom);
	err = run_events(builder);
	yaml_parser_delete(&builder->parser);
	return err;
}

static void builder_done(struct builder *builder)
{
	free(builder->repaired);
	tree_done(&builder->tree);
}

int tree_parse(const char *file, const char *text, size_t length, struct diags *diags,
	       struct tree *ret_tree)
{
	CLEANUP(builder_done)
	struct builder builder = {
		.tree = {.file = file, .text = text, .length = length},
		.diags = diags,
		.bom = utf8_bom(text, length),
	};
	const struct location whole = {.file = file};
	int err;

	if (length > YAML_TREE_MAX_BYTES) {
		diag_error(diags, whole, "larger than %u MiB; put addresses into set files",
			   YAML_TREE_MAX_BYTES >> 20);
		*ret_tree = (struct tree){.file = file, .text = text, .length = length};
		return 0;
	}
	do {
		err = run_pass(&builder);
	} while (err == -EAGAIN);
	if (!err && builder.stopped && builder.nr_documents < 2)
		builder.tree.root = NULL;
	else if (!err && !builder.tree.root)
		diag_error(diags, whole, "the policy is empty");
	if (!err && builder.tree.root)
		err = tree_check_keys(&builder.tree, diags);
	if (err)
		return err;
	*ret_tree = builder.tree;
	builder.tree.arena = NULL;
	return 0;
}

void tree_done(struct tree *tree)
{
	arena_free(tree->arena);
	tree->arena = NULL;
	tree->root = NULL;
}
