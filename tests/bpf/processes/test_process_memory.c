/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules on memory: large requests by whatever call, growth within a time, writable and executable
 * pages. Arguments: test_first_action, and "lsm" for those that BPF LSM finds. */
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/claims.h"
#include "base/must.h"
#include "harness/process_trial.h"
#include "base/scale.h"

#define MIB	 (1ULL << 20)
#define SECOND	 1000000000ULL
#define LARGE	 (64 * MIB) /* what test_first_action asks for */
#define LIFETIME (10 * SECOND)

/* of futexes; the kernel takes 2048 */
#define LIST_ENTRIES 2040
#define LIST_STRIDE  65536
#define LIST_BYTES   (LIST_ENTRIES * LIST_STRIDE)

static struct trial trial;
static char *victim, *neighbour;
static const char *const lsm[] = {"synfw_mmap_file", "synfw_file_mprotect", NULL};
static bool by_lsm;

static void attach_requests(void)
{
	static const char *const raw[] = {"hrtimer_expire_entry", "vm_unmapped_area"};
	size_t i;

	for (i = 0; i < sizeof(raw) / sizeof(*raw); i++)
		MUST(bpf_program__attach_raw_tracepoint(trial.bpf->progs.synfw_watch, raw[i]));
}

static void attach_mappings(void)
{
	static const char *const calls[] = {"sys_enter_mmap", "sys_enter_mprotect",
					    "sys_enter_pkey_mprotect", "sys_enter_shmat"};
	size_t i;

	/* where libbpf looks for the numbers of tracepoints */
	MUST(mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL) == 0);
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		MUST(bpf_program__attach_tracepoint(trial.bpf->progs.synfw_mapping, "syscalls",
						    calls[i]));
	MUST(umount("/sys/kernel/tracing") == 0);
}

static struct rule_spec rule_on(enum synfw_process_trigger trigger, uint64_t over_bytes)
{
	return (struct rule_spec){.match = {.exec = {victim}},
				  .trigger = trigger,
				  .over_bytes = over_bytes,
				  .within_ns = LIFETIME,
				  .action = SYNFW_PROCESS_KILL};
}

static void apply(enum synfw_process_trigger trigger, uint64_t over_bytes)
{
	const struct rule_spec rule = rule_on(trigger, over_bytes);

	trial_apply(&trial, &rule, 1, NULL);
}

/* What becomes of a process that has grown under a policy without rules on memory, and goes on
 * under one with. */
static int grown_before(enum synfw_process_trigger trigger)
{
	const struct rule_spec other = {.match = {.exec = {"/synfw-test"}}};
	const struct rule_spec rule = rule_on(trigger, 32 * MIB);
	struct bpf_link *timer;
	int let_go, status;
	pid_t child;

	trial_apply(&trial, &other, 1, NULL);
	child = trial_spawn_waiting_with(victim, "l", &let_go);
	timer = bpf_program__attach_raw_tracepoint(trial.bpf->progs.synfw_watch,
						   "hrtimer_expire_entry");
	MUST(timer);
	trial_stage(&trial, &rule, 1, NULL);
	trial_fill(&trial, !trial.slot);
	trial_switch(&trial);
	close(let_go);
	status = trial_finish(child);
	bpf_link__destroy(timer);
	return status;
}

static bool what_was_there_before_the_rules_is_no_growth(void)
{
	EXPECT(grown_before(SYNFW_ON_GROWTH) == 0);
	EXPECT(grown_before(SYNFW_ON_ALLOCATION) == 0);
	return true;
}

static bool is_killed_for(const char *letter)
{
	MUST(trial_run(neighbour, letter, NULL, NULL) == 0);
	return trial_run(victim, letter, NULL, NULL) == TRIAL_KILLED;
}

static bool a_large_request_is_found_by_any_call(void)
{
	apply(SYNFW_ON_ALLOCATION, 32 * MIB);
	EXPECT(is_killed_for("a"));
	EXPECT(is_killed_for("n"));
	EXPECT(is_killed_for("b"));
	EXPECT(is_killed_for("r"));
	return true;
}

static bool what_a_rule_allows_is_not_found(void)
{
	apply(SYNFW_ON_ALLOCATION, LARGE);
	EXPECT(!is_killed_for("a"));
	EXPECT(!is_killed_for("n"));
	EXPECT(!is_killed_for("b"));
	EXPECT(!is_killed_for("r"));
	return true;
}

static bool small_requests_are_no_large_one(void)
{
	apply(SYNFW_ON_ALLOCATION, 32 * MIB);
	EXPECT(!is_killed_for("s"));
	return true;
}

static bool one_request_counts_once(void)
{
	const struct rule_spec rule = {.match = {.exec = {victim}},
				       .trigger = SYNFW_ON_ALLOCATION,
				       .over_bytes = 32 * MIB,
				       .score = 1};

	trial_apply(&trial, &rule, 1, NULL);
	EXPECT(trial_run(victim, "g", NULL, NULL) == 0);
	EXPECT(trial_matches(&trial, 0) == 1);
	EXPECT(trial_run(victim, "n", NULL, NULL) == 0);
	EXPECT(trial_matches(&trial, 0) == 2);
	trial_read_events(&trial);
	EXPECT(trial.event.trigger == SYNFW_ON_ALLOCATION && trial.event.bytes >= LARGE - 2 * MIB);
	return true;
}

static bool growth_is_what_is_used(void)
{
	apply(SYNFW_ON_GROWTH, 32 * MIB);
	EXPECT(is_killed_for("g"));
	EXPECT(!is_killed_for("a"));
	apply(SYNFW_ON_GROWTH, 2 * LARGE);
	EXPECT(!is_killed_for("g"));
	return true;
}

static bool writable_and_executable_pages_are_found(void)
{
	apply(SYNFW_ON_WX_MAPPING, 0);
	EXPECT(!is_killed_for("a"));
	EXPECT(is_killed_for("y"));
	EXPECT(is_killed_for("q"));
	EXPECT(is_killed_for("h"));
	EXPECT(is_killed_for("e"));
	return true;
}

static bool a_flag_is_told_once(void)
{
	const struct rule_spec rule = {.match = {.exec = {victim}},
				       .trigger = SYNFW_ON_WX_MAPPING,
				       .action = SYNFW_PROCESS_FLAG};
	const char *argv[] = {victim, "y", NULL};

	trial_apply(&trial, &rule, 1, NULL);
	EXPECT(trial_finish(trial_spawn(argv)) == 0);
	EXPECT(trial_finish(trial_spawn(argv)) == 0);
	EXPECT(trial_matches(&trial, 0) == 2);
	trial_read_events(&trial);
	EXPECT(trial.nr_events == 2);
	EXPECT(trial.event.trigger == SYNFW_ON_WX_MAPPING);
	/* LSM is asked before the size is known */
	EXPECT(trial.event.bytes == (by_lsm ? 0 : 4096));
	return true;
}

/* How many events come of rules on two things that a process does in turns. */
static uint32_t events_of_turns(enum synfw_process_action action,
				const struct synfw_process_head *head)
{
	struct rule_spec rules[] = {rule_on(SYNFW_ON_WX_MAPPING, 0),
				    rule_on(SYNFW_ON_ALLOCATION, 32 * MIB)};

	rules[0].action = rules[1].action = action;
	trial_apply(&trial, rules, 2, head);
	MUST(trial_run(victim, "t", NULL, NULL) == 0);
	MUST(trial_matches(&trial, 0) == 3 && trial_matches(&trial, 1) == 3);
	trial_read_events(&trial);
	return trial.nr_events;
}

static bool each_rule_tells_once(void)
{
	const struct synfw_process_head monitors = {.monitor = true};

	EXPECT(events_of_turns(SYNFW_PROCESS_FLAG, NULL) == 2);
	EXPECT(events_of_turns(SYNFW_PROCESS_ISOLATE, NULL) == 2);
	EXPECT(events_of_turns(SYNFW_PROCESS_KILL, &monitors) == 2);
	return true;
}

/*
 * A list of futexes, each on a page of its own: the kernel goes through it when a task exits,
 * and meets a page fault at each step. So it takes the time of some ticks from where the exit is
 * told to where the memory is given up.
 */
static struct robust_list_head *long_list(void)
{
	char *pages = mmap(NULL, 2 * LIST_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			   -1, 0);
	struct robust_list_head *head = (void *)pages;
	struct robust_list *last = &head->list;

	MUST(pages != MAP_FAILED);
	head->futex_offset = LIST_BYTES;
	for (size_t i = 1; i < LIST_ENTRIES; i++, last = last->next) {
		last->next = (void *)(pages + i * LIST_STRIDE);
		pages[i * LIST_STRIDE + LIST_BYTES] = 1;
	}
	last->next = &head->list;
	return head;
}

static bool a_process_that_ends_is_forgotten(void)
{
	/* an emulated processor goes through the list so slowly that no exit misses a tick */
	const int times = scaled(50, 5);
	struct robust_list_head *head = long_list();
	struct synfw_process process;

	apply(SYNFW_ON_GROWTH, LARGE);
	for (int i = 0; i < times; i++) {
		pid_t child = fork();

		MUST(child >= 0);
		if (!child) {
			MUST(syscall(SYS_set_robust_list, head, sizeof(*head)) == 0);
			_exit(0);
		}
		EXPECT(trial_finish(child) == 0);
		EXPECT(!trial_process(&trial, child, &process));
	}
	munmap(head, 2 * LIST_BYTES);
	return true;
}

static void check_requests(void)
{
	CHECK(what_was_there_before_the_rules_is_no_growth);
	attach_requests();
	CHECK(a_large_request_is_found_by_any_call);
	CHECK(what_a_rule_allows_is_not_found);
	CHECK(small_requests_are_no_large_one);
	CHECK(one_request_counts_once);
	CHECK(growth_is_what_is_used);
	CHECK(a_process_that_ends_is_forgotten);
}

static void check_mappings(void)
{
	CHECK(writable_and_executable_pages_are_found);
	CHECK(a_flag_is_told_once);
	CHECK(each_rule_tells_once);
}

int main(int argc, char **argv)
{
	static const char *const programs[] = {"synfw_mapping", NULL};
	struct trial_object object = {};

	MUST(argc == 2 || (argc == 3 && !strcmp(argv[2], "lsm")));
	by_lsm = argc == 3;
	if (by_lsm)
		object.lsm = lsm;
	else
		object.programs = programs;
	trial_open_with(&trial, argv[1], &object);
	victim = strdup(trial_copy(&trial, "victim"));
	neighbour = strdup(trial_copy(&trial, "neighbour"));
	if (by_lsm) {
		attach_requests();
	} else {
		check_requests();
		attach_mappings();
	}
	check_mappings();
	trial_close(&trial);
	free(victim);
	free(neighbour);
	return claims_end();
}
