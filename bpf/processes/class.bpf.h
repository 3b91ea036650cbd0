/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_CLASS_BPF_H
#define SYNFW_PROCESS_CLASS_BPF_H

/* What the tables of a generation say of a file and of a user: classes, whose vectors are
 * joined. */
#include "path.bpf.h"
#include "scratch.bpf.h"

static inline __noinline struct synfw_process_vector *vector_at(__u32 slot, __u32 number)
{
	void *vectors;

	slot %= SYNFW_NR_GENERATION_SLOTS;
	vectors = bpf_map_lookup_elem(&synfw_process_vectors, &slot);
	return vectors ? bpf_map_lookup_elem(vectors, &number) : NULL;
}

/* Global functions, so that the verifier goes through each loop once, and not with every state
 * of its callers. */
__noinline int vector_or(struct synfw_process_vector *to, const struct synfw_process_vector *from,
			 __u32 nr_words)
{
	__u32 i;

	if (!to || !from)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < SYNFW_PROCESS_WORDS && i < nr_words; i++)
		to->word[i] |= from->word[i];
	return 0;
}

__noinline int vector_and(struct synfw_process_vector *to, const struct synfw_process_vector *from,
			  __u32 nr_words)
{
	__u32 i;

	if (!to || !from)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < SYNFW_PROCESS_WORDS && i < nr_words; i++)
		to->word[i] &= from->word[i];
	return 0;
}

__noinline int vector_and_not(struct synfw_process_vector *to,
			      const struct synfw_process_vector *from, __u32 nr_words)
{
	__u32 i;

	if (!to || !from)
		return 0;
#pragma clang loop unroll(disable)
	for (i = 0; i < SYNFW_PROCESS_WORDS && i < nr_words; i++)
		to->word[i] &= ~from->word[i];
	return 0;
}

/* Where there is none, nothing matches. */
static __always_inline void vector_copy(struct synfw_process_vector *to,
					const struct synfw_process_vector *from)
{
	if (from)
		*to = *from;
	else
		__builtin_memset(to, 0, sizeof(*to));
}

/* Joins vector `number` to those of the path. Without a first one they are what `default` says. */
__noinline int exec_join(struct process_scratch *scratch, __u32 number, __u32 sure)
{
	const struct synfw_process_vector *vector;

	if (!scratch)
		return 0;
	vector = vector_at(scratch->slot, number);
	if (!vector)
		return 0;
	scratch->named = true;
	vector_or(&scratch->exec, vector, scratch->nr_words);
	if (!sure)
		return 0;
	scratch->sure_named = true;
	vector_or(&scratch->sure, vector, scratch->nr_words);
	return 0;
}

/* What one way to name the file says. Terms only, where nothing is to be judged. */
static __always_inline void class_join(struct process_scratch *scratch,
				       const struct synfw_path_class *class, bool sure, bool judged)
{
	int i;

	if (!class)
		return;
#pragma unroll
	for (i = 0; i < SYNFW_LINEAGE_WORDS; i++) {
		scratch->self[i] |= class->term[i];
		if (sure)
			scratch->sure_self[i] |= class->term[i];
	}
	if (sure)
		scratch->flags |= class->flags;
	if (judged)
		exec_join(scratch, class->exec, sure);
}

static __always_inline void class_join_exact(struct process_scratch *scratch, void *paths,
					     bool judged)
{
	struct file_path *path = &scratch->path;
	bool sure = path->trusted;

	if (path->total > SYNFW_MAX_PATTERN || !paths)
		return;
	scratch->key.kind = SYNFW_PATH_EXACT;
	bpf_probe_read_kernel(scratch->key.text, SYNFW_MAX_PATTERN,
			      &path->text[path->at & (PATH_END - 1)]);
	class_join(scratch, bpf_map_lookup_elem(paths, &scratch->key), sure, judged);
}

static __always_inline void class_join_patterns(struct process_scratch *scratch, void *patterns,
						bool judged)
{
	struct file_path *path = &scratch->path;
	__u32 bytes = path->total;

	if (!patterns)
		return;
	if (path->complete) {
		bytes = bytes < SYNFW_MAX_PATTERN ? bytes : SYNFW_MAX_PATTERN;
		scratch->prefix.prefixlen = 8 * (1 + bytes);
		scratch->prefix.kind = SYNFW_PATH_PREFIX;
		bpf_probe_read_kernel(scratch->prefix.text, SYNFW_MAX_PATTERN,
				      &path->text[path->at & (PATH_END - 1)]);
		class_join(scratch, bpf_map_lookup_elem(patterns, &scratch->prefix), path->trusted,
			   judged);
	}
	bytes = path->nr_reversed < SYNFW_MAX_PATTERN ? path->nr_reversed : SYNFW_MAX_PATTERN;
	path->suffix.prefixlen = 8 * (1 + bytes);
	path->suffix.kind = SYNFW_PATH_SUFFIX;
	class_join(scratch, bpf_map_lookup_elem(patterns, &path->suffix), path->trusted, judged);
}

/* What the text in scratch->path says. */
__noinline int class_of_text(struct process_scratch *scratch, __u32 judged)
{
	__u32 slot;

	scratch = scratch_again(scratch);
	if (!scratch)
		return 0;
	slot = scratch->slot % SYNFW_NR_GENERATION_SLOTS;
	if (scratch->path.complete)
		class_join_exact(scratch, bpf_map_lookup_elem(&synfw_process_paths, &slot), judged);
	class_join_patterns(scratch, bpf_map_lookup_elem(&synfw_process_patterns, &slot), judged);
	return 0;
}

__noinline int class_of_memfd(struct process_scratch *scratch, __u32 judged)
{
	__u32 slot;
	void *paths;

	scratch = scratch_again(scratch);
	if (!scratch)
		return 0;
	slot = scratch->slot % SYNFW_NR_GENERATION_SLOTS;
	paths = bpf_map_lookup_elem(&synfw_process_paths, &slot);
	if (!paths)
		return 0;
	key_begin(scratch, SYNFW_PATH_MEMFD);
	class_join(scratch, bpf_map_lookup_elem(paths, &scratch->key), true, judged);
	return 0;
}

static inline __noinline const struct synfw_process_id_value *
id_value(__u32 slot, const struct synfw_process_id *id)
{
	void *ids;

	slot %= SYNFW_NR_GENERATION_SLOTS;
	ids = bpf_map_lookup_elem(&synfw_process_ids, &slot);
	return ids ? bpf_map_lookup_elem(ids, id) : NULL;
}

__noinline int class_of_inode(struct process_scratch *scratch, __u32 judged)
{
	const struct synfw_process_id_value *value;

	scratch = scratch_again(scratch);
	if (!scratch)
		return 0;
	value = id_value(scratch->slot, &scratch->file);
	if (value)
		class_join(scratch, &value->class, true, judged);
	return 0;
}

static __always_inline void class_reset(struct process_scratch *scratch)
{
	int i;

	vector_copy(&scratch->exec, NULL);
	vector_copy(&scratch->sure, NULL);
#pragma unroll
	for (i = 0; i < SYNFW_LINEAGE_WORDS; i++) {
		scratch->self[i] = 0;
		scratch->sure_self[i] = 0;
	}
	scratch->named = false;
	scratch->sure_named = false;
	scratch->flags = 0;
	scratch->disguised = false;
}

static __always_inline bool self_is_unsure(const struct process_scratch *scratch)
{
	__u64 unsure = 0;
	int i;

#pragma unroll
	for (i = 0; i < SYNFW_LINEAGE_WORDS; i++)
		unsure |= scratch->self[i] & ~scratch->sure_self[i];
	return unsure;
}

/* A field that nothing named is what the head says. */
static __always_inline void exec_finish(struct process_scratch *scratch, __u32 number)
{
	const struct synfw_process_vector *vector;

	if (scratch->named && scratch->sure_named)
		return;
	vector = vector_at(scratch->slot, number);
	if (!scratch->sure_named)
		vector_copy(&scratch->sure, vector);
	if (!scratch->named)
		vector_copy(&scratch->exec, vector);
}

static __always_inline void terms_or(__u64 *to, const __u64 *from)
{
	int i;

#pragma unroll
	for (i = 0; i < SYNFW_LINEAGE_WORDS; i++)
		to[i] |= from[i];
}

/* What a path may be whose beginning is not known: below any directory. No `except` is certain
 * of it. */
static __always_inline void class_unreadable(struct process_scratch *scratch,
					     const struct synfw_process_head *head, bool judged)
{
	terms_or(scratch->self, head->unreadable_term);
	if (!judged)
		return;
	exec_join(scratch, head->exec_default, false);
	exec_join(scratch, head->exec_unreadable, false);
}

/*
 * The file that runs, a struct file of the kernel's, in the generation of scratch->slot: its
 * identity, the end of its path, its terms and, where it is judged, its vectors.
 */
__noinline int class_of_file(struct process_scratch *scratch, __u64 file, __u32 judged)
{
	const struct synfw_process_head *head;
	bool lost = false;

	if (!scratch)
		return 0;
	head = process_head(scratch->slot);
	if (!head)
		return 0;
	class_reset(scratch);
	file_identify(&scratch->file, file);
	scratch->memfd = file_is_memfd(scratch, file);
	class_of_inode(scratch, judged);
	if (scratch->memfd) {
		path_name_only(scratch, file);
		class_of_memfd(scratch, judged);
	} else {
		path_walk(&scratch->path, file, false);
		path_keep_tail(scratch);
		class_of_text(scratch, judged);
		lost = !scratch->path.complete;
		if (!scratch->path.seen_primary) {
			path_walk(&scratch->path, file, true);
			if (scratch->path.complete)
				class_of_text(scratch, judged);
		}
	}
	if (lost && judged)
		tally(SYNFW_PROCESS_TALLY_UNREADABLE);
	if (lost)
		class_unreadable(scratch, head, judged);
	if (judged)
		exec_finish(scratch, head->exec_default);
	return 0;
}

static __always_inline bool file_is(const struct synfw_process_id *file,
				    const struct synfw_process_id *other)
{
	return file->inode == other->inode && file->device == other->device &&
	       file->number == other->number;
}

/* scratch->file is what a process executed, whatever it looks like now: all that class_of_file()
 * has found is what it claims to be, and what its name was it may have been anywhere. */
__noinline int class_of_disguised(struct process_scratch *scratch, __u32 judged)
{
	const struct synfw_process_id_value *value;
	const struct synfw_process_head *head;
	int i;

	scratch = scratch_again(scratch);
	if (!scratch)
		return 0;
	head = process_head(scratch->slot);
	if (!head)
		return 0;
#pragma unroll
	for (i = 0; i < SYNFW_LINEAGE_WORDS; i++)
		scratch->sure_self[i] = 0;
	scratch->sure_named = false;
	scratch->flags = 0;
	scratch->disguised = true;
	value = id_value(scratch->slot, &scratch->file);
	if (value)
		class_join(scratch, &value->class, false, judged);
	class_unreadable(scratch, head, judged);
	terms_or(scratch->self, head->unnamed_term);
	if (!judged)
		return 0;
	exec_join(scratch, head->exec_unnamed, false);
	exec_finish(scratch, head->exec_default);
	return 0;
}

/* What a process that has been running is: by what it executed, which `entry` knows. */
static __always_inline void class_of_process(struct process_scratch *scratch,
					     struct synfw_process *entry, __u64 file, bool judged)
{
	class_of_file(scratch, file, judged);
	if (!entry || !entry->file.kind || file_is(&entry->file, &scratch->file))
		return;
	__sync_fetch_and_or(&entry->flags, SYNFW_PROCESS_DISGUISED);
	scratch->file = entry->file;
	class_of_disguised(scratch, judged);
}

/* ---- user and group -------------------------------------------------------------------------- */

struct groups_loop {
	struct process_scratch *scratch;
	__u64 groups; /* a struct group_info */
};

static __always_inline void group_join(struct process_scratch *scratch, __u32 gid)
{
	const struct synfw_process_id id = {.kind = SYNFW_ID_GROUP, .number = gid};
	const struct synfw_process_id_value *value = id_value(scratch->slot, &id);
	const struct synfw_process_vector *vector;

	if (!value)
		return;
	vector = vector_at(scratch->slot, value->class.exec);
	if (vector)
		vector_or(&scratch->who, vector, scratch->nr_words);
	vector = vector_at(scratch->slot, value->not_vector);
	if (vector)
		vector_or(&scratch->group_not, vector, scratch->nr_words);
}

__noinline int group_join_one(struct process_scratch *scratch, __u32 gid)
{
	if (scratch)
		group_join(scratch, gid);
	return 0;
}

static long group_step(__u32 index, struct groups_loop *loop)
{
	__u32 gid = 0;

	bpf_probe_read_kernel(&gid, sizeof(gid), &((struct group_info *)loop->groups)->gid[index]);
	group_join_one(loop->scratch, gid);
	return 0;
}

static __always_inline void groups_of_cred(struct process_scratch *scratch)
{
	const struct cred *cred = (const void *)scratch->cred;
	const struct group_info *groups = BPF_CORE_READ(cred, group_info);
	struct groups_loop loop = {.scratch = scratch, .groups = (__u64)groups};
	int number = BPF_CORE_READ(groups, ngroups);

	if (number > 0)
		bpf_loop(number, group_step, &loop, 0);
}

/* scratch->who: the rules that take the subject's user and groups. */
__noinline int class_of_user(struct process_scratch *scratch)
{
	struct synfw_process_id id = {.kind = SYNFW_ID_USER};
	const struct synfw_process_id_value *value;
	const struct synfw_process_head *head;

	if (!scratch)
		return 0;
	head = process_head(scratch->slot);
	if (!head)
		return 0;
	__builtin_memset(&scratch->who, 0xff, sizeof(scratch->who));
	if (head->fields & SYNFW_PROCESS_ASKS_GROUP) {
		vector_copy(&scratch->who, vector_at(scratch->slot, head->group_default));
		vector_copy(&scratch->group_not, NULL);
		group_join_one(scratch, scratch->gid);
		if (scratch->cred)
			groups_of_cred(scratch);
		vector_and_not(&scratch->who, &scratch->group_not, scratch->nr_words);
	}
	if (!(head->fields & SYNFW_PROCESS_ASKS_USER))
		return 0;
	id.number = scratch->uid;
	value = id_value(scratch->slot, &id);
	vector_and(&scratch->who,
		   vector_at(scratch->slot, value ? value->class.exec : head->user_default),
		   scratch->nr_words);
	return 0;
}

#endif
