/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "../prefix.h"

static bool is_ipv6_character(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') ||
	       c == ':' || c == '.' || c == '/';
}

static bool is_ipv6(const char *text, size_t length)
{
	struct any_prefix prefix;

	return memchr(text, ':', length) &&
	       prefix_parse(text, length, &prefix) != PREFIX_BAD_ADDRESS;
}

bool tree_ipv6_word(const struct tree *tree, size_t offset, struct span *ret_word)
{
	size_t start = offset, end = offset;

	while (start > 0 && is_ipv6_character(tree->text[start - 1]))
		start--;
	while (end < tree->length && is_ipv6_character(tree->text[end]))
		end++;
	if (!is_ipv6(tree->text + start, end - start)) {
		/* The last colon may be the one that made it a key. */
		if (end == start || tree->text[end - 1] != ':' ||
		    !is_ipv6(tree->text + start, end - start - 1))
			return false;
		end--;
	}
	*ret_word = (struct span){start, end - start};
	return true;
}

void tree_report_ipv6(const struct tree *tree, struct diags *diags, struct location at,
		      struct span word)
{
	int length = (int)word.length;
	struct diag *diag =
		diag_error(diags, at, "quote this IPv6 address: YAML reads the colons of \"%.*s\"",
			   length, tree->text + word.start);

	diag_hint(diag, "write \"%.*s\" with the quotes", length, tree->text + word.start);
}

static int compare_keys(const void *a, const void *b)
{
	const struct node *left = *(const struct node *const *)a;
	const struct node *right = *(const struct node *const *)b;
	int order = strcmp(left->text, right->text);

	if (order)
		return order;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

static void report_duplicates(const struct tree *tree, struct diags *diags, struct node **keys,
			      size_t count)
{
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1, first = 0; i < count; i++) {
		struct diag *diag;

		if (strcmp(keys[i]->text, keys[first]->text)) {
			first = i;
			continue;
		}
		diag = diag_error(diags, node_at(tree, keys[i]), "duplicate key \"%s\"",
				  keys[i]->text);
		diag_related(diags, diag, node_at(tree, keys[first]), "first here");
		keys[i]->kind = NODE_INVALID;
	}
}

static int check_mapping(const struct tree *tree, struct diags *diags, const struct node *mapping)
{
	CLEANUP(cleanup_free) struct node **keys = NULL;
	size_t count = 0;

	for (struct node *key = mapping->first; key; key = key->next->next)
		count++;
	keys = calloc(count + 1, sizeof(struct node *));
	if (!keys)
		return -ENOMEM;
	count = 0;
	for (struct node *key = mapping->first; key; key = key->next->next) {
		if (key->kind == NODE_SCALAR) {
			keys[count++] = key;
		} else if (key->kind != NODE_INVALID) {
			diag_error(diags, node_at(tree, key), "a key has to be a word");
			key->kind = NODE_INVALID;
		}
	}
	report_duplicates(tree, diags, keys, count);
	return 0;
}

static int check_node(const struct tree *tree, struct diags *diags, const struct node *node)
{
	int err = node->kind == NODE_MAPPING ? check_mapping(tree, diags, node) : 0;

	/* As deep as YAML_TREE_MAX_DEPTH at most. */
	if (node->kind == NODE_MAPPING || node->kind == NODE_SEQUENCE)
		for (const struct node *child = node->first; child && !err; child = child->next)
			err = check_node(tree, diags, child);
	return err;
}

int tree_check_keys(const struct tree *tree, struct diags *diags)
{
	return check_node(tree, diags, tree->root);
}
