/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_YAML_TREE_H
#define POLICYC_YAML_TREE_H

/*
 * YAML text -> a tree of nodes with exact places. Only yaml_tree.c knows libyaml. Nothing is
 * typed here: a scalar is its text. What the language forbids (tags, anchors, aliases, duplicate
 * keys, several documents) is reported while the tree is built.
 */
#include <stdbool.h>
#include <stddef.h>

#include "../diag.h"

#define YAML_TREE_MAX_BYTES (64U << 20)
#define YAML_TREE_MAX_NODES 4000000U
#define YAML_TREE_MAX_DEPTH 16

enum node_kind {
	NODE_INVALID, /* already reported: whoever meets it says nothing */
	NODE_SCALAR,
	NODE_SEQUENCE,
	NODE_MAPPING,
};

struct node {
	enum node_kind kind;
	uint32_t line, column, length; /* as in struct location */
	size_t offset;		       /* in the text */
	const char *text;	       /* of a scalar; has a NUL at the end and none inside */
	struct node *first;	       /* of a sequence; of a mapping key, value, key, value ... */
	struct node *next;
};

struct tree {
	const char *file; /* for locations */
	const char *text;
	size_t length;
	struct node *root;	   /* NULL: nothing usable; that has been reported */
	struct arena_chunk *arena; /* owns nodes and their texts */
};

/* Adds errors to `diags`. Returns 0, whatever was reported, or -ENOMEM. `file` and `text` are
 * borrowed until tree_done(). */
int tree_parse(const char *file, const char *text, size_t length, struct diags *diags,
	       struct tree *ret_tree);
void tree_done(struct tree *tree);

struct location node_at(const struct tree *tree, const struct node *node);

struct span {
	size_t start, length;
};

/* The run of characters of an IPv6 prefix around `offset`, when it is one: YAML reads an unquoted
 * "fe80::" as a mapping or not at all. */
bool tree_ipv6_word(const struct tree *tree, size_t offset, struct span *ret_word);

/* Reports an IPv6 address that has to be quoted; `at` is the place of the word. */
void tree_report_ipv6(const struct tree *tree, struct diags *diags, struct location at,
		      struct span word);

/* Reports keys that are not words and keys that stand twice in their mapping, and makes them
 * invalid. Called by tree_parse. 0 or -ENOMEM. */
int tree_check_keys(const struct tree *tree, struct diags *diags);

#endif
