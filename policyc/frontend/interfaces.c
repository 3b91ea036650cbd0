/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <synfw/cleanup.h>

#include "array.h"
#include "globs.h"
#include "parser.h"

#define MAX_EXACT_NAME 15 /* IFNAMSIZ - 1 */

bool check_interface(struct parser *parser, const struct node *node)
{
	const char *text = parse_scalar(parser, node, "an interface");
	size_t length = text ? strlen(text) : 0;

	if (!text)
		return false;
	if (length && length < (is_glob(text) ? GLOB_MAX_LENGTH : MAX_EXACT_NAME + 1) &&
	    !strpbrk(text, "/ \t\r\n") && strcmp(text, ".") && strcmp(text, ".."))
		return true;
	diag_error(parser->diags, location_of(parser, node), "\"%s\" is not an interface name",
		   text);
	return false;
}

bool interface_is_guarded(const struct policy *policy, const char *pattern)
{
	for (size_t i = 0; i < policy->nr_interfaces; i++)
		if (!policy->interfaces[i].pattern ||
		    globs_intersect(policy->interfaces[i].pattern, pattern))
			return true;
	return !policy->nr_interfaces;
}

static int parse_interface_name(struct parser *parser, const struct schema_key *key,
				const struct node *value, void *target)
{
	struct policy_interface *interface = target;
	const struct policy *policy = parser->policy;
	struct diag *diag;

	if (!check_interface(parser, value))
		return 0;
	interface->at = location_of(parser, value);
	interface->pattern = strdup(value->text);
	if (!interface->pattern)
		return -ENOMEM;
	for (size_t i = 0; i + 1 < policy->nr_interfaces; i++) {
		if (!policy->interfaces[i].pattern ||
		    strcmp(policy->interfaces[i].pattern, value->text))
			continue;
		diag = diag_error(parser->diags, interface->at, "interface \"%s\" stands twice",
				  value->text);
		diag_related(parser->diags, diag, policy->interfaces[i].at, "first here");
	}
	return 0;
}

static int parse_interface(struct parser *parser, const struct schema_key *key,
			   const struct node *value, void *target)
{
	static const struct key_parser keys[] = {
		{"name", parse_interface_name, 0},
		{"attach", parse_word, offsetof(struct policy_interface, attach)},
		{NULL, NULL, 0},
	};
	struct policy *policy = parser->policy;
	struct policy_interface *interface;

	if (policy->nr_interfaces == SYNFW_MAX_INTERFACES) {
		if (!*(bool *)target)
			diag_error(parser->diags, location_of(parser, value),
				   "more than %d interfaces", SYNFW_MAX_INTERFACES);
		*(bool *)target = true;
		return 0;
	}
	interface = ARRAY_APPEND(policy->interfaces, policy->nr_interfaces);
	if (!interface)
		return -ENOMEM;
	return parse_mapping(parser, SCHEMA_INTERFACE, value, keys, interface);
}

int parse_interfaces(struct parser *parser, const struct schema_key *key, const struct node *value,
		     void *target)
{
	bool too_many = false;

	return parse_sections(parser, key, value, parse_interface, &too_many);
}
