/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Rules on memory: large requests by whatever call, growth within a time, writable and executable
 * pages. Argument: test_first_action. */
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "claims.h"
#include "must.h"
#include "process_trial.h"

#define MIB	 (1ULL << 20)
#define SECOND	 1000000000ULL
#define LARGE	 (64 * MIB) /* what test_first_action asks for */
#define LIFETIME (10 * SECOND)

static struct trial trial;
static char *victim, *neighbour;

static void attach_all(void)
{
	static const char *const raw[] = {"hrtimer_expire_entry", "vm_unmapped_area"};
	static const char *const calls[] = {"sys_enter_mmap", "sys_enter_mprotect",
					    "sys_enter_pkey_mprotect", "sys_enter_shmat"};
	size_t i;

	/* where libbpf looks for the numbers of tracepoints */
	MUST(mount("none", "/sys/kernel/tracing", "tracefs", 0, NULL) == 0);
	for (i = 0; i < sizeof(raw) / sizeof(*raw); i++)
		MUST(bpf_program__attach_raw_tracepoint(trial.bpf->progs.synfw_watch, raw[i]));
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		MUST(bpf_program__attach_tracepoint(trial.bpf->progs.synfw_mapping, "syscalls",
						    calls[i]));
	MUST(umount("/sys/kernel/tracing") == 0);
}

static void apply(enum synfw_process_trigger trigger, uint64_t over_bytes)
{
	const struct rule_spec rule = {.match = {.exec = {victim}},
				       .trigger = trigger,
				       .over_bytes = over_bytes,
				       .within_ns = LIFETIME,
				       .action = SYNFW_PROCESS_KILL};

	trial_apply(&trial, &rule, 1, NULL);
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
	EXPECT(trial.event.trigger == SYNFW_ON_WX_MAPPING && trial.event.bytes == 4096);
	return true;
}

int main(int argc, char **argv)
{
	MUST(argc == 2);
	trial_open(&trial, argv[1], 0);
	attach_all();
	victim = strdup(trial_copy(&trial, "victim"));
	neighbour = strdup(trial_copy(&trial, "neighbour"));
	CHECK(a_large_request_is_found_by_any_call);
	CHECK(what_a_rule_allows_is_not_found);
	CHECK(small_requests_are_no_large_one);
	CHECK(one_request_counts_once);
	CHECK(growth_is_what_is_used);
	CHECK(writable_and_executable_pages_are_found);
	CHECK(a_flag_is_told_once);
	trial_close(&trial);
	free(victim);
	free(neighbour);
	return claims_end();
}
