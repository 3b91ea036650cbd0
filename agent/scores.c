/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "scores.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "source.h"

/* ---- a bucket ---- */

uint32_t score_points(uint64_t level)
{
	return level / SYNFW_SCORE_UNIT;
}

uint64_t score_ends_in_ns(uint64_t level, const struct synfw_scoring *scoring)
{
	return level / scoring->decay + (level % scoring->decay != 0);
}

/* As the packet path: an entry of the future, which another CPU has just written, has not leaked.
 * What is left from a policy with scoring means nothing to one without. */
static uint64_t level_at(const struct synfw_score *score, const struct synfw_scoring *scoring,
			 uint64_t now_ns)
{
	uint64_t elapsed_ns = now_ns > score->updated_boot_ns ? now_ns - score->updated_boot_ns : 0;
	uint64_t leaked;

	if (!scoring->decay || __builtin_mul_overflow(elapsed_ns, scoring->decay, &leaked))
		return 0;
	return score->level > leaked ? score->level - leaked : 0;
}

static struct scored scored_at(const struct synfw_score *score, const struct synfw_scoring *scoring,
			       uint64_t now_ns)
{
	struct scored scored = {.source = score->source, .level = level_at(score, scoring, now_ns)};

	memcpy(scored.part, score->part, sizeof(scored.part));
	return scored;
}

/* ---- one source ---- */

static int read_set(const struct object *object, const struct synfw_addr6 *source,
		    struct fault *fault, uint32_t *ret_key, struct synfw_score_set *ret_set)
{
	uint64_t seed;
	uint32_t key;
	int err = source_read_seed(object, fault, &seed);

	if (err)
		return err;
	key = source_hash(source, seed) % SYNFW_SCORE_SETS;
	if (bpf_map_lookup_elem_flags(object->map_fd[OBJECT_SCORES], &key, ret_set, BPF_F_LOCK))
		return fault_system(fault, -errno, "cannot read the score of a source");
	*ret_key = key;
	return 0;
}

static struct synfw_score *find_way(struct synfw_score_set *set, const struct synfw_addr6 *source)
{
	int way;

	for (way = 0; way < SYNFW_SCORE_WAYS; way++)
		if (set->way[way].level && !memcmp(&set->way[way].source, source, sizeof(*source)))
			return &set->way[way];
	return NULL;
}

int scores_look_up(const struct object *object, const struct synfw_addr6 *source,
		   const struct synfw_scoring *scoring, struct fault *fault,
		   struct scored *ret_score)
{
	struct synfw_score_set set;
	struct synfw_score *way;
	struct scored scored;
	uint32_t key;
	int err = read_set(object, source, fault, &key, &set);

	if (err)
		return err;
	way = find_way(&set, source);
	if (!way)
		return -ENOENT;
	scored = scored_at(way, scoring, source_now());
	if (!scored.level)
		return -ENOENT;
	*ret_score = scored;
	return 0;
}

/* The set is written as it was read but for one way. Points that another source of the same set got
 * in between, some microseconds, are lost: in favour of that source. */
int scores_forget(const struct object *object, const struct synfw_addr6 *source,
		  struct fault *fault)
{
	struct synfw_score_set set;
	struct synfw_score *way;
	uint32_t key;
	int err = read_set(object, source, fault, &key, &set);

	if (err)
		return err;
	way = find_way(&set, source);
	if (!way)
		return -ENOENT;
	*way = (struct synfw_score){0};
	if (bpf_map_update_elem(object->map_fd[OBJECT_SCORES], &key, &set, BPF_F_LOCK))
		return fault_system(fault, -errno, "cannot forget a score");
	return 0;
}

/* ---- all sources ---- */

#define BATCH_SETS 4096

struct batch {
	uint32_t *keys;
	struct synfw_score_set *sets;
};

static void batch_done(struct batch *batch)
{
	free(batch->keys);
	free(batch->sets);
}

/* Calls fn for each set with a score. */
static int each_set(const struct object *object,
		    int (*fn)(uint32_t key, const struct synfw_score_set *set, void *context),
		    void *context)
{
	static const struct synfw_score_set empty;
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_F_LOCK);
	CLEANUP(batch_done)
	struct batch batch = {
		.keys = calloc(BATCH_SETS, sizeof(*batch.keys)),
		.sets = calloc(BATCH_SETS, sizeof(*batch.sets)),
	};
	uint32_t count, i, token, *from = NULL;
	int err = 0, end = 0;

	if (!batch.keys || !batch.sets)
		return -ENOMEM;
	while (!err && !end) {
		count = BATCH_SETS;
		if (bpf_map_lookup_batch(object->map_fd[OBJECT_SCORES], from, &token, batch.keys,
					 batch.sets, &count, &opts)) {
			end = errno;
			if (end != ENOENT)
				return -end;
		}
		from = &token;
		for (i = 0; !err && i < count; i++)
			if (memcmp(batch.sets[i].way, empty.way, sizeof(empty.way)))
				err = fn(batch.keys[i], &batch.sets[i], context);
	}
	return err;
}

struct reading {
	const struct synfw_scoring *scoring;
	uint64_t now_ns;
	struct scored *scores;
	size_t count, room;
};

static void reading_done(struct reading *reading)
{
	free(reading->scores);
}

static int append(struct reading *reading, const struct scored *scored)
{
	if (reading->count == reading->room) {
		size_t room = reading->room ? 2 * reading->room : 256;
		struct scored *scores = reallocarray(reading->scores, room, sizeof(*scores));

		if (!scores)
			return -ENOMEM;
		reading->scores = scores;
		reading->room = room;
	}
	reading->scores[reading->count++] = *scored;
	return 0;
}

static int read_ways(uint32_t key, const struct synfw_score_set *set, void *context)
{
	struct reading *reading = context;
	struct scored scored;
	int way, err = 0;

	(void)key;
	for (way = 0; !err && way < SYNFW_SCORE_WAYS; way++) {
		scored = scored_at(&set->way[way], reading->scoring, reading->now_ns);
		if (scored.level)
			err = append(reading, &scored);
	}
	return err;
}

static int compare_levels(const void *left, const void *right)
{
	const struct scored *a = left, *b = right;

	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	return source_compare(a, b);
}

int scores_read(const struct object *object, const struct synfw_scoring *scoring,
		struct fault *fault, struct scored **ret_scores, size_t *ret_count)
{
	CLEANUP(reading_done)
	struct reading reading = {.scoring = scoring, .now_ns = source_now()};
	int err = each_set(object, read_ways, &reading);

	if (err)
		return fault_system(fault, err, "cannot read the scores");
	if (reading.count)
		qsort(reading.scores, reading.count, sizeof(*reading.scores), compare_levels);
	*ret_scores = TAKE_PTR(reading.scores);
	*ret_count = reading.count;
	return 0;
}

struct changing {
	const struct object *object;
	bool (*fn)(struct synfw_score_set *set, void *context);
	void *context;
};

static int change_set(uint32_t key, const struct synfw_score_set *set, void *context)
{
	const struct changing *changing = context;
	struct synfw_score_set changed = *set;

	if (!changing->fn(&changed, changing->context))
		return 0;
	return bpf_map_update_elem(changing->object->map_fd[OBJECT_SCORES], &key, &changed,
				   BPF_F_LOCK)
		       ? -errno
		       : 0;
}

int scores_change(const struct object *object,
		  bool (*fn)(struct synfw_score_set *set, void *context), void *context,
		  struct fault *fault)
{
	struct changing changing = {.object = object, .fn = fn, .context = context};
	int err = each_set(object, change_set, &changing);

	return err ? fault_system(fault, err, "cannot change the scores") : 0;
}

static bool clear_set(struct synfw_score_set *set, void *context)
{
	(void)context;
	memset(set->way, 0, sizeof(set->way));
	return true;
}

int scores_forget_all(const struct object *object, struct fault *fault)
{
	return scores_change(object, clear_set, NULL, fault);
}
