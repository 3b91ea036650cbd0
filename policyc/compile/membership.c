/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "compile/membership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

static const struct set_refs *match_sets(const struct match *match, enum synfw_field field)
{
	return field == SYNFW_FIELD_SRC ? &match->from : &match->to_address;
}

/* Calls `visit` for every (bit, set) of the direction. */
static void each_use(const struct memberships *memberships,
		     void (*visit)(struct memberships *, uint32_t bit, uint32_t set),
		     struct memberships *out)
{
	enum synfw_field field = memberships->field;

	for (uint32_t i = 0; i < memberships->bits->count; i++) {
		const struct bit *bit = &memberships->bits->bit[i];
		const struct set_refs *refs;

		if (bit_is_padding(bit))
			continue;
		refs = match_sets(bit->match, field);
		for (size_t k = 0; k < refs->count; k++)
			visit(out, i, refs->index[k]);
		if (bit->except_modes[field] == EXCEPT_IGNORED)
			continue;
		refs = match_sets(bit->except, field);
		for (size_t k = 0; k < refs->count; k++)
			visit(out, i, refs->index[k]);
	}
}

static void count_use(struct memberships *memberships, uint32_t bit, uint32_t set)
{
	memberships->users_of[set + 1]++;
}

static void store_use(struct memberships *memberships, uint32_t bit, uint32_t set)
{
	/* users_of[set] is moved to its end here and moved back by users_fill */
	memberships->users[memberships->users_of[set]++] = bit;
}

static int users_fill(struct memberships *memberships)
{
	uint32_t nr_sets = memberships->bits->nr_sets;

	memberships->users_of = calloc(nr_sets + 1, sizeof(uint32_t));
	if (!memberships->users_of)
		return -ENOMEM;
	each_use(memberships, count_use, memberships);
	for (uint32_t set = 0; set < nr_sets; set++)
		memberships->users_of[set + 1] += memberships->users_of[set];
	memberships->users = calloc(memberships->users_of[nr_sets] + 1, sizeof(uint32_t));
	if (!memberships->users)
		return -ENOMEM;
	each_use(memberships, store_use, memberships);
	memmove(memberships->users_of + 1, memberships->users_of, nr_sets * sizeof(uint32_t));
	memberships->users_of[0] = 0;
	return 0;
}

static uint32_t key_of(const struct memberships *memberships)
{
	return memberships->field == SYNFW_FIELD_SRC ? MATCH_FROM : MATCH_TO_ADDRESS;
}

static bool in_any(const struct memberships *memberships, const struct match *match, uint32_t key)
{
	const struct set_refs *refs = match_sets(match, memberships->field);

	if (!(match->keys & key))
		return true;
	for (size_t i = 0; i < refs->count; i++)
		if (memberships->member[refs->index[i]])
			return true;
	return false;
}

/* Does the bit match an address that is in exactly the sets marked in `member`? */
static bool bit_matches(const struct memberships *memberships, const struct bit *bit)
{
	uint32_t key = key_of(memberships);
	enum except_mode mode = bit->except_modes[memberships->field];

	if (bit_is_padding(bit))
		return false;
	return except_apply(mode, in_any(memberships, bit->match, key),
			    mode != EXCEPT_IGNORED && in_any(memberships, bit->except, key));
}

static int membership_new(struct memberships *memberships, uint32_t around, uint32_t set,
			  uint32_t *ret_id)
{
	if (memberships->count == memberships->room) {
		uint32_t room = memberships->room ? memberships->room * 2 : 64;
		struct membership *list =
			reallocarray(memberships->list, room, sizeof(memberships->list[0]));

		if (!list)
			return -ENOMEM;
		memberships->list = list;
		memberships->room = room;
	}
	*ret_id = memberships->count;
	memberships->list[memberships->count++] =
		(struct membership){.around = around, .set = set, .class_id = UINT32_MAX};
	return 0;
}

int memberships_init(struct memberships *memberships, const struct bits *bits,
		     enum synfw_direction direction)
{
	uint32_t words = bits->count / 64 + CHUNK_WORDS, empty;

	memberships->bits = bits;
	memberships->field = direction == SYNFW_DIR_SRC ? SYNFW_FIELD_SRC : SYNFW_FIELD_DST;
	memberships->member = calloc(bits->nr_sets + 1, sizeof(bool));
	memberships->base = calloc(words, sizeof(uint64_t));
	memberships->vector = calloc(words, sizeof(uint64_t));
	if (!memberships->member || !memberships->base || !memberships->vector)
		return -ENOMEM;
	for (uint32_t i = 0; i < bits->count; i++)
		vector_assign(memberships->base, i, bit_matches(memberships, &bits->bit[i]));
	if (membership_new(memberships, MEMBERSHIP_EMPTY, 0, &empty))
		return -ENOMEM;
	return users_fill(memberships);
}

void memberships_done(struct memberships *memberships)
{
	free(memberships->list);
	free(memberships->steps);
	free(memberships->users_of);
	free(memberships->users);
	free(memberships->member);
	free(memberships->base);
	free(memberships->vector);
	*memberships = (struct memberships){};
}

static void digest_match(struct sha256_ctx *context, const struct memberships *memberships,
			 const struct match *match)
{
	const struct set_refs *refs = match_sets(match, memberships->field);
	const uint64_t head[] = {match->keys & key_of(memberships), refs->count};

	sha256_update(context, sizeof(head), (const uint8_t *)head);
	sha256_update(context, refs->count * sizeof(refs->index[0]), (const uint8_t *)refs->index);
}

/* A bit that mentions no set is the same for all memberships. */
void memberships_digest(const struct memberships *memberships,
			uint8_t ret_digest[MEMBERSHIPS_DIGEST_SIZE])
{
	enum synfw_field field = memberships->field;
	struct sha256_ctx context;

	sha256_init(&context);
	for (uint32_t i = 0; i < memberships->bits->count; i++) {
		const struct bit *bit = &memberships->bits->bit[i];
		uint8_t mode;

		if (bit_is_padding(bit))
			continue;
		mode = bit->except_modes[field];
		if (!match_sets(bit->match, field)->count &&
		    (mode == EXCEPT_IGNORED || !match_sets(bit->except, field)->count))
			continue;
		sha256_update(&context, sizeof(mode), &mode);
		digest_match(&context, memberships, bit->match);
		if (mode != EXCEPT_IGNORED)
			digest_match(&context, memberships, bit->except);
	}
	sha256_digest(&context, MEMBERSHIPS_DIGEST_SIZE, ret_digest);
}

bool memberships_use(const struct memberships *memberships, uint32_t set)
{
	return memberships->users_of[set] != memberships->users_of[set + 1];
}

static struct membership_step *step_slot(const struct memberships *memberships, uint32_t from,
					 uint32_t set)
{
	uint64_t hash = ((uint64_t)from << 32 | set) * 0x9e3779b97f4a7c15ULL;
	uint32_t at = hash >> 32 & (memberships->steps_room - 1);

	while (memberships->steps[at].from != UINT32_MAX &&
	       (memberships->steps[at].from != from || memberships->steps[at].set != set))
		at = (at + 1) & (memberships->steps_room - 1);
	return &memberships->steps[at];
}

static int steps_grow(struct memberships *memberships)
{
	struct membership_step *old = memberships->steps;
	uint32_t old_room = memberships->steps_room;
	uint32_t room = old_room ? old_room * 2 : 256;
	struct membership_step *steps = reallocarray(NULL, room, sizeof(*steps));

	if (!steps)
		return -ENOMEM;
	memset(steps, 0xff, room * sizeof(*steps));
	memberships->steps = steps;
	memberships->steps_room = room;
	for (uint32_t i = 0; i < old_room; i++)
		if (old[i].from != UINT32_MAX)
			*step_slot(memberships, old[i].from, old[i].set) = old[i];
	free(old);
	return 0;
}

static bool membership_has(const struct memberships *memberships, uint32_t id, uint32_t set)
{
	for (; id != MEMBERSHIP_EMPTY; id = memberships->list[id].around)
		if (memberships->list[id].set == set)
			return true;
	return false;
}

int memberships_add(struct memberships *memberships, uint32_t from, uint32_t set, uint32_t *ret_to)
{
	struct membership_step *step;
	int error;

	if (2 * memberships->nr_steps >= memberships->steps_room) {
		error = steps_grow(memberships);
		if (error)
			return error;
	}
	step = step_slot(memberships, from, set);
	if (step->from == UINT32_MAX) {
		uint32_t to = from;

		if (!membership_has(memberships, from, set)) {
			error = membership_new(memberships, from, set, &to);
			if (error)
				return error;
		}
		*step = (struct membership_step){.from = from, .set = set, .to = to};
		memberships->nr_steps++;
	}
	*ret_to = step->to;
	return 0;
}

static void members_mark(struct memberships *memberships, uint32_t id, bool value)
{
	for (; id != MEMBERSHIP_EMPTY; id = memberships->list[id].around)
		memberships->member[memberships->list[id].set] = value;
}

/* Judges the bits that mention a set anew. */
static void users_judge(struct memberships *memberships, uint32_t set)
{
	for (uint32_t at = memberships->users_of[set]; at < memberships->users_of[set + 1]; at++) {
		uint32_t bit = memberships->users[at];

		vector_assign(memberships->vector, bit,
			      bit_matches(memberships, &memberships->bits->bit[bit]));
	}
}

int memberships_class(struct memberships *memberships, struct vectors *vectors, uint32_t id,
		      uint32_t *ret_class)
{
	struct membership *membership = &memberships->list[id];
	int error;

	if (membership->class_id == UINT32_MAX) {
		memcpy(memberships->vector, memberships->base,
		       vectors->nr_words * sizeof(memberships->vector[0]));
		members_mark(memberships, id, true);
		for (uint32_t at = id; at != MEMBERSHIP_EMPTY; at = memberships->list[at].around)
			users_judge(memberships, memberships->list[at].set);
		members_mark(memberships, id, false);
		error = vectors_add(vectors, memberships->field, memberships->vector,
				    &membership->class_id);
		if (error)
			return error;
	}
	*ret_class = membership->class_id;
	return 0;
}
