/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "scores.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>

#include <synfw/cleanup.h>

#include "datapath/source.h"

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
static uint64_t level_at(const struct synfw_source *entry, const struct synfw_scoring *scoring,
			 uint64_t now_ns)
{
	uint64_t updated_ns = synfw_entry_updated_ns(entry);
	uint64_t elapsed_ns = now_ns > updated_ns ? synfw_entry_moment_ns(now_ns) - updated_ns : 0;
	uint64_t leaked;

	if (!scoring->decay || __builtin_mul_overflow(elapsed_ns, scoring->decay, &leaked))
		return 0;
	return entry->level > leaked ? entry->level - leaked : 0;
}

/* What is known of a source, with the number of its entry. */
struct known {
	uint32_t key;
	struct synfw_source entry;
	struct synfw_more_parts more;
};

static struct scored scored_at(const struct known *known, const struct synfw_scoring *scoring,
			       uint64_t now_ns)
{
	struct scored scored = {
		.source = known->entry.source,
		.level = level_at(&known->entry, scoring, now_ns),
	};
	uint32_t i;

	for (i = 0; i < SYNFW_SCORE_PARTS && i < synfw_entry_nr_parts(&known->entry); i++)
		scored.part[i] = i ? known->more.part[i - 1] : known->entry.part;
	return scored;
}

/* ---- one source ---- */

static int read_more(const struct object *object, struct known *known)
{
	if (synfw_entry_nr_parts(&known->entry) > 1 &&
	    bpf_map_lookup_elem(object->map_fd[OBJECT_MORE_PARTS], &known->key, &known->more))
		return -errno;
	return 0;
}

static int write_entry(const struct object *object, const struct known *known)
{
	if (bpf_map_update_elem(object->map_fd[OBJECT_SOURCES], &known->key, &known->entry,
				BPF_F_LOCK))
		return -errno;
	return 0;
}

/* -ENOENT, without a fault: nothing is remembered of it. */
static int find_entry(const struct object *object, const struct synfw_addr6 *source,
		      struct fault *fault, struct known *ret_known)
{
	struct known known = {0};
	uint64_t seed;
	uint32_t set;
	int way, err = source_read_seed(object, fault, &seed);

	if (err)
		return err;
	set = source_hash(source, seed) % SYNFW_SOURCE_SETS;
	for (way = 0; way < SYNFW_SOURCE_WAYS; way++) {
		known.key = set * SYNFW_SOURCE_WAYS + way;
		if (bpf_map_lookup_elem_flags(object->map_fd[OBJECT_SOURCES], &known.key,
					      &known.entry, BPF_F_LOCK))
			return fault_system(fault, -errno, "cannot read the score of a source");
		if (!(known.entry.flags & SYNFW_ENTRY_USED) ||
		    memcmp(&known.entry.source, source, sizeof(*source)))
			continue;
		err = read_more(object, &known);
		if (err)
			return fault_system(fault, err, "cannot read the score of a source");
		*ret_known = known;
		return 0;
	}
	return -ENOENT;
}

int scores_look_up(const struct object *object, const struct synfw_addr6 *source,
		   const struct synfw_scoring *scoring, struct fault *fault,
		   struct scored *ret_score)
{
	struct known known;
	struct scored scored;
	int err = find_entry(object, source, fault, &known);

	if (err)
		return err;
	scored = scored_at(&known, scoring, source_now());
	if (!scored.level)
		return -ENOENT;
	*ret_score = scored;
	return 0;
}

static bool clear_score(struct synfw_source *entry)
{
	bool had = entry->level;

	entry->level = 0;
	synfw_entry_set_nr_parts(entry, 0);
	return had;
}

int scores_forget(const struct object *object, const struct synfw_addr6 *source,
		  struct fault *fault)
{
	struct known known;
	int err = find_entry(object, source, fault, &known);

	if (err)
		return err;
	if (!clear_score(&known.entry))
		return -ENOENT;
	err = write_entry(object, &known);
	return err ? fault_system(fault, err, "cannot forget a score") : 0;
}

/* ---- all sources ---- */

/* What the kernel writes to is memory touched for the first time: a page costs more than the 64
 * entries that it holds, and far more than its share of a call. */
#define BATCH_ENTRIES 4096

struct batch {
	uint32_t *keys;
	struct synfw_source *entries;
};

static void batch_done(struct batch *batch)
{
	free(batch->keys);
	free(batch->entries);
}

/* Calls fn for each entry that ever was some source's. */
static int each_entry(const struct object *object, int (*fn)(struct known *known, void *context),
		      void *context)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts, .elem_flags = BPF_F_LOCK);
	CLEANUP(batch_done)
	struct batch batch = {
		.keys = calloc(BATCH_ENTRIES, sizeof(*batch.keys)),
		.entries = calloc(BATCH_ENTRIES, sizeof(*batch.entries)),
	};
	uint32_t count, i, token, *from = NULL;
	int err = 0, end = 0;

	if (!batch.keys || !batch.entries)
		return -ENOMEM;
	while (!err && !end) {
		count = BATCH_ENTRIES;
		if (bpf_map_lookup_batch(object->map_fd[OBJECT_SOURCES], from, &token, batch.keys,
					 batch.entries, &count, &opts)) {
			end = errno;
			if (end != ENOENT)
				return -end;
		}
		from = &token;
		for (i = 0; !err && i < count; i++) {
			struct known known = {.key = batch.keys[i], .entry = batch.entries[i]};

			if (known.entry.flags & SYNFW_ENTRY_USED)
				err = fn(&known, context);
		}
	}
	return err;
}

struct reading {
	const struct object *object;
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

static int read_score(struct known *known, void *context)
{
	struct reading *reading = context;
	struct scored scored;
	int err;

	if (!level_at(&known->entry, reading->scoring, reading->now_ns))
		return 0;
	err = read_more(reading->object, known);
	if (err)
		return err;
	scored = scored_at(known, reading->scoring, reading->now_ns);
	return append(reading, &scored);
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
	struct reading reading = {.object = object, .scoring = scoring, .now_ns = source_now()};
	int err = each_entry(object, read_score, &reading);

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
	bool (*fn)(struct synfw_source *entry, struct synfw_more_parts *more, void *context);
	void *context;
};

/* Whether fn changes anything of the entry as it was read. */
static int change_known(const struct changing *changing, struct known *known, bool *ret_changed)
{
	int err = read_more(changing->object, known);

	*ret_changed = !err && changing->fn(&known->entry, &known->more, changing->context);
	return err;
}

/* What is to be changed is read again for it, so that what packets do to the others of the batch
 * meanwhile is not undone. */
static int change_entry(struct known *known, void *context)
{
	const struct changing *changing = context;
	bool changed;
	int err = change_known(changing, known, &changed);

	if (err || !changed)
		return err;
	if (bpf_map_lookup_elem_flags(changing->object->map_fd[OBJECT_SOURCES], &known->key,
				      &known->entry, BPF_F_LOCK))
		return -errno;
	err = change_known(changing, known, &changed);
	if (err || !changed)
		return err;
	if (synfw_entry_nr_parts(&known->entry) > 1 &&
	    bpf_map_update_elem(changing->object->map_fd[OBJECT_MORE_PARTS], &known->key,
				&known->more, BPF_ANY))
		return -errno;
	return write_entry(changing->object, known);
}

int scores_change(const struct object *object,
		  bool (*fn)(struct synfw_source *entry, struct synfw_more_parts *more,
			     void *context),
		  void *context, struct fault *fault)
{
	struct changing changing = {.object = object, .fn = fn, .context = context};
	int err = each_entry(object, change_entry, &changing);

	return err ? fault_system(fault, err, "cannot change the scores") : 0;
}

static bool forget_score(struct synfw_source *entry, struct synfw_more_parts *more, void *context)
{
	(void)more;
	(void)context;
	return clear_score(entry);
}

int scores_forget_all(const struct object *object, struct fault *fault)
{
	return scores_change(object, forget_score, NULL, fault);
}
