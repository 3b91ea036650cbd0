/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_match.h"

#include <string.h>

#include "path_pattern.h"

static bool has_id(const struct id_match *ids, uint32_t id)
{
	for (size_t i = 0; i < ids->count; i++)
		if (ids->id[i] == id)
			return true;
	return false;
}

/* Whether all of `few` are among `many`. */
static bool ids_within(const struct id_match *few, const struct id_match *many)
{
	for (size_t i = 0; i < few->count; i++)
		if (!has_id(many, few->id[i]))
			return false;
	return true;
}

static bool ids_meet(const struct id_match *a, const struct id_match *b)
{
	for (size_t i = 0; i < a->count; i++)
		if (has_id(b, a->id[i]))
			return true;
	return false;
}

/* A process has one user, and may have many groups: that it has one tells nothing of another. */
static bool ids_cover(const struct id_match *outer, const struct id_match *inner, bool one_each)
{
	if (!outer->negated)
		return !inner->negated && ids_within(inner, outer);
	if (inner->negated)
		return ids_within(outer, inner);
	return one_each && !ids_meet(outer, inner);
}

static bool has_arg(const struct args_match *args, const char *text)
{
	for (size_t i = 0; i < args->count; i++)
		if (!strcmp(args->arg[i], text))
			return true;
	return false;
}

/* How many of `of` are among `in`. */
static size_t args_common(const struct args_match *of, const struct args_match *in)
{
	size_t count = 0;

	for (size_t i = 0; i < of->count; i++)
		count += has_arg(in, of->arg[i]);
	return count;
}

static bool args_cover(const struct args_match *outer, const struct args_match *inner)
{
	bool inner_is_all = inner->all || inner->count == 1;

	if (outer->all && outer->count > 1)
		return inner_is_all && args_common(outer, inner) == outer->count;
	if (inner_is_all)
		return args_common(outer, inner) > 0;
	return args_common(inner, outer) == inner->count;
}

/* A parent is an ancestor. */
static bool ancestors_cover(const struct process_match *outer, const struct process_match *inner,
			    uint64_t *work)
{
	return ((inner->keys & PROCESS_ANCESTOR) &&
		path_list_covers(&outer->ancestor, &inner->ancestor, work)) ||
	       ((inner->keys & PROCESS_PARENT) &&
		path_list_covers(&outer->ancestor, &inner->parent, work));
}

static bool paths_cover(const struct process_match *outer, const struct process_match *inner,
			uint64_t *work)
{
	uint32_t asked = outer->keys;

	if ((asked & PROCESS_EXEC) && !path_list_covers(&outer->exec, &inner->exec, work))
		return false;
	if ((asked & PROCESS_PARENT) && !path_list_covers(&outer->parent, &inner->parent, work))
		return false;
	return !(asked & PROCESS_ANCESTOR) || ancestors_cover(outer, inner, work);
}

bool process_match_covers(const struct process_match *outer, const struct process_match *inner,
			  uint64_t *work)
{
	uint32_t asked = outer->keys, lacking = asked & ~inner->keys;

	if (lacking & ~(uint32_t)PROCESS_ANCESTOR)
		return false;
	*work += outer->user.count * inner->user.count + outer->group.count * inner->group.count;
	if ((asked & PROCESS_USER) && !ids_cover(&outer->user, &inner->user, true))
		return false;
	if ((asked & PROCESS_GROUP) && !ids_cover(&outer->group, &inner->group, false))
		return false;
	if ((asked & PROCESS_ARGS) && !args_cover(&outer->args, &inner->args))
		return false;
	return paths_cover(outer, inner, work);
}
