/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_PROCESS_MEMORY_BPF_H
#define SYNFW_PROCESS_MEMORY_BPF_H

/*
 * Rules on memory. A process is looked at while it runs, from the timer interrupts of its CPU:
 * every page fault would be told by a tracepoint as well, but costs 200 ns then. Every search
 * for room for a mapping is seen; only what exceeds some rule goes on to the rules.
 */
#include "act.bpf.h"

#define SAMPLE_NS 3500000 /* less than a tick of 250 Hz */
#define HUGE_BYTES \
	(2ULL      \
	 << 20) /* by which the kernel asks for more, to choose where in it a huge page begins */

#define WRITE_AND_EXECUTE (0x2 | 0x4)
#define PROT_READ_IT	  0x1
#define PROT_EXECUTE	  0x4
#define READ_IMPLIES_EXEC 0x0400000
#define SHM_RDONLY	  010000
#define SHM_EXEC	  0100000

/* When this CPU has looked last at what it runs. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} synfw_sampled SEC(".maps");

/* The rules of scratch->slot are asked about the process that runs. */
__noinline int memory_judge(struct process_scratch *scratch, __u64 task, __u32 trigger, __u64 bytes)
{
	__u64 mm = (__u64)BPF_CORE_READ((struct task_struct *)task, mm);
	__u64 file = mm ? (__u64)BPF_CORE_READ((struct mm_struct *)mm, exe_file) : 0;
	const struct synfw_process_head *head;
	struct synfw_process *entry;

	scratch = scratch_again(scratch);
	head = scratch ? process_head(scratch->slot) : NULL;
	if (!head || !file)
		return 0;
	/* no rule on memory asks for arguments: they lie in the memory of the process, which may
	 * have changed them */
	subject_begin(scratch, scratch->slot, trigger);
	subject_of_task(scratch, task);
	scratch->bytes = bytes;
	entry = process_entry(scratch->pid);
	lineage_of_subject(scratch, entry, task, head->serial);
	class_of_process(scratch, entry, file, true);
	judge(scratch);
	act(scratch, entry);
	return 0;
}

/* The generation in force, if it has rules for the event; scratch->slot is its. */
static __always_inline const struct synfw_process_head *memory_head(__u32 trigger, __u32 *ret_slot)
{
	const struct synfw_process_head *head;

	*ret_slot = active_slot();
	head = process_head(*ret_slot);
	return head && head->nr_bits && head->trigger[trigger] ? head : NULL;
}

/* ---- one large request ----------------------------------------------------------------------- */

static __always_inline void request_judge(struct process_scratch *scratch,
					  struct synfw_process *entry,
					  const struct synfw_process_head *head, __u64 task,
					  __u64 bytes)
{
	if (entry && entry->largest_bytes < bytes)
		entry->largest_bytes = bytes;
	if (bytes > head->allocation_min_bytes)
		memory_judge(scratch, task, SYNFW_ON_ALLOCATION, bytes);
}

/* It is no second request when it is mapped. The process may run on several CPUs. */
static __always_inline void request_note(struct synfw_process *entry, __u64 bytes)
{
	__sync_fetch_and_add(&entry->mapped_bytes, bytes);
}

/* The kernel looks for room for a mapping of `bytes`, of which some may be added for huge pages.
 * What is more than a rule allows only with them is left to be found when it is mapped. */
static __always_inline void memory_request(struct process_scratch *scratch, __u64 task, __u64 bytes)
{
	const struct synfw_process_head *head = memory_head(SYNFW_ON_ALLOCATION, &scratch->slot);
	struct synfw_process *entry;

	if (!head)
		return;
	entry = entry_of_task(scratch, task);
	if (entry)
		request_note(entry, bytes);
	request_judge(scratch, entry, head, task, bytes - HUGE_BYTES);
}

/* ---- growth ---------------------------------------------------------------------------------- */

/* How much larger it is than the smallest it was within the rule's time. */
static __always_inline __u64 window_growth(struct synfw_growth_window *window, __u64 part,
					   __u64 bytes)
{
	__u64 since = part - window->part, lowest = bytes, *place;
	__u32 i;

#pragma unroll
	for (i = 0; i <= SYNFW_GROWTH_PARTS; i++) {
		place = &window->lowest_bytes[(part - i) % SYNFW_GROWTH_PLACES];
		/* parts in which nothing was heard: it stayed as it was */
		if (i < since)
			*place = window->last_bytes;
		if (!i && bytes < *place)
			*place = bytes;
		if (*place < lowest)
			lowest = *place;
	}
	window->part = part;
	window->last_bytes = bytes;
	return bytes - lowest;
}

static __always_inline void window_begin(struct synfw_growth_window *window, __u64 bytes)
{
	__u32 i;

	window->last_bytes = bytes;
#pragma unroll
	for (i = 0; i < SYNFW_GROWTH_PLACES; i++)
		window->lowest_bytes[i] = bytes;
}

static __always_inline struct synfw_growth_window *window_of(const struct synfw_growth_key *key,
							     __u64 start_boot_ns, __u64 within_ns,
							     __u64 part, __u64 before_bytes)
{
	struct synfw_growth_window *window = bpf_map_lookup_elem(&synfw_growth_windows, key);
	struct synfw_growth_window begun = {
		.start_boot_ns = start_boot_ns, .within_ns = within_ns, .part = part};

	if (window && window->start_boot_ns == start_boot_ns && window->within_ns == within_ns)
		return window;
	window_begin(&begun, before_bytes);
	bpf_map_update_elem(&synfw_growth_windows, key, &begun, BPF_ANY);
	return bpf_map_lookup_elem(&synfw_growth_windows, key);
}

/* Asks the window of one growth rule. A growth that was told counts from then on anew. */
__noinline int growth_ask(struct process_scratch *scratch, __u64 start_boot_ns, __u64 bytes,
			  __u64 before_bytes, __u32 bit)
{
	__u32 slot;
	struct synfw_growth_key key;
	struct synfw_growth_window *window;
	const struct synfw_process_rule *rule;
	__u64 growth, part;
	void *rules;

	if (!scratch)
		return 0;
	slot = scratch->slot % SYNFW_NR_GENERATION_SLOTS;
	rules = bpf_map_lookup_elem(&synfw_process_rules, &slot);
	rule = rules ? bpf_map_lookup_elem(rules, &bit) : NULL;
	if (!rule || rule->within_ns < SYNFW_GROWTH_PARTS)
		return 0;
	key.pid = scratch->pid;
	key.index = rule->index % SYNFW_MAX_MEMORY_RULES;
	part = scratch->now_ns / (rule->within_ns / SYNFW_GROWTH_PARTS);
	window = window_of(&key, start_boot_ns, rule->within_ns, part, before_bytes);
	if (!window)
		return 0;
	growth = window_growth(window, part, bytes);
	if (growth > scratch->bytes)
		scratch->bytes = growth;
	if (growth <= rule->over_bytes)
		return 0;
	scratch->grown |= 1ULL << key.index;
	window_begin(window, bytes);
	return 0;
}

struct growth_loop {
	struct process_scratch *scratch;
	const struct synfw_process_vector *rules;
	__u64 start_boot_ns, bytes, before_bytes;
};

/* Takes one rule, or goes to the next word. */
static long growth_step(__u32 index, struct growth_loop *loop)
{
	struct process_scratch *scratch = loop->scratch;
	__u64 bits = scratch->bits;

	if (!bits) {
		scratch->word++;
		if (scratch->word >= SYNFW_PROCESS_WORDS)
			return 1;
		scratch->bits = loop->rules->word[scratch->word % SYNFW_PROCESS_WORDS];
		return 0;
	}
	scratch->bits = bits & (bits - 1);
	growth_ask(scratch, loop->start_boot_ns, loop->bytes, loop->before_bytes,
		   scratch->word % SYNFW_PROCESS_WORDS * 64 + lowest_bit(bits));
	return 0;
}

/* `before_bytes`: what it had when it was last looked at, with which a window begins. */
static __always_inline void memory_grown(struct process_scratch *scratch,
					 struct synfw_process *entry,
					 const struct synfw_process_head *head, __u64 task,
					 __u64 bytes, __u64 before_bytes)
{
	struct growth_loop loop = {
		.scratch = scratch, .bytes = bytes, .before_bytes = before_bytes};

	loop.rules = vector_at(scratch->slot, head->trigger[SYNFW_ON_GROWTH]);
	if (!loop.rules)
		return;
	loop.start_boot_ns = entry->start_boot_ns;
	scratch->now_ns = bpf_ktime_get_boot_ns();
	scratch->pid = BPF_CORE_READ((struct task_struct *)task, tgid);
	scratch->grown = 0;
	scratch->bytes = 0;
	scratch->word = 0;
	scratch->bits = loop.rules->word[0];
	bpf_loop(SYNFW_MAX_MEMORY_RULES + SYNFW_PROCESS_WORDS, growth_step, &loop, 0);
	if (scratch->bytes > entry->growth_bytes)
		entry->growth_bytes = scratch->bytes;
	if (scratch->grown)
		memory_judge(scratch, task, SYNFW_ON_GROWTH, scratch->bytes);
}

/* ---- what a sample tells --------------------------------------------------------------------- */

/* Is it time to look again? */
static __always_inline bool sample_is_due(void)
{
	__u64 now_ns = bpf_ktime_get_ns();
	__u32 zero = 0;
	__u64 *sampled_ns = bpf_map_lookup_elem(&synfw_sampled, &zero);

	if (!sampled_ns || now_ns - *sampled_ns < SAMPLE_NS)
		return false;
	*sampled_ns = now_ns;
	return true;
}

/* Between a search for room and its end a request is noted and not yet mapped. The kernel does both
 * under this lock. */
static __always_inline bool mapping_is_under_way(const struct mm_struct *mm)
{
	if (!bpf_core_field_exists(mm->mmap_lock.count))
		return false;
	return BPF_CORE_READ(mm, mmap_lock.count.counter) & 1;
}

/* What was mapped since the last look without a search for room; 0 when that cannot be told now:
 * the next look will. */
static __always_inline __u64 mapped_unseen(struct synfw_process *entry, const struct mm_struct *mm)
{
	__u64 before = *(volatile __u64 *)&entry->mapped_bytes, mapped;

	if (mapping_is_under_way(mm))
		return 0;
	mapped = BPF_CORE_READ(mm, total_vm) * PAGE_BYTES;
	/* another thread of it has noted a request meanwhile */
	if (__sync_val_compare_and_swap(&entry->mapped_bytes, before, mapped) != before)
		return 0;
	return before && mapped > before ? mapped - before : 0;
}

static __always_inline void memory_changed(struct process_scratch *scratch, __u64 task,
					   const struct mm_struct *mm)
{
	const struct synfw_process_head *head;
	__s64 resident = resident_bytes(mm), resident_before;
	struct synfw_process *entry;
	__u64 unseen;

	scratch->slot = active_slot();
	head = process_head(scratch->slot);
	entry = entry_of_task(scratch, task);
	if (!head || !head->nr_bits || !entry)
		return;
	resident_before = entry->resident_bytes;
	entry->resident_bytes = resident;
	unseen = mapped_unseen(entry, mm);
	if (unseen && head->trigger[SYNFW_ON_ALLOCATION])
		request_judge(scratch, entry, head, task, unseen);
	if (head->trigger[SYNFW_ON_GROWTH])
		memory_grown(scratch, entry, head, task, resident, resident_before);
}

/* ---- writable and executable ----------------------------------------------------------------- */

static __always_inline void memory_wx(struct process_scratch *scratch, __u64 task, __u64 bytes)
{
	const struct synfw_process_head *head = memory_head(SYNFW_ON_WX_MAPPING, &scratch->slot);
	struct synfw_process *entry;

	if (!head)
		return;
	entry = entry_of_task(scratch, task);
	if (entry)
		__sync_fetch_and_add(&entry->wx_mappings, 1);
	memory_judge(scratch, task, SYNFW_ON_WX_MAPPING, bytes);
}

/* Who has asked for it gets to execute all that he may read. */
static __always_inline bool protection_is_wx(__u64 protection)
{
	const struct task_struct *task = (const void *)bpf_get_current_task();

	if (protection & PROT_READ_IT && !(protection & PROT_EXECUTE) &&
	    BPF_CORE_READ(task, personality) & READ_IMPLIES_EXEC)
		protection |= PROT_EXECUTE;
	return (protection & WRITE_AND_EXECUTE) == WRITE_AND_EXECUTE;
}

static __always_inline void wx_found(__u64 bytes)
{
	struct process_scratch *scratch = scratch_take();

	if (!scratch) {
		tally(SYNFW_PROCESS_TALLY_UNJUDGED);
		return;
	}
	memory_wx(scratch, bpf_get_current_task(), bytes);
	scratch_give_back(scratch);
}

#endif
