/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which hooks a policy needs by how programs may refuse, and what its rules become where they may
 * not. */
#include "unit.h"

#include <processes/hooks.h>
#include <process_tables.h>

#define ACTION(action) (1U << SYNFW_PROCESS_##action)
#define HOOK(hook)     (1U << PROCESS_HOOK_##hook)

static struct synfw_process_rule rule_of(enum synfw_process_trigger trigger,
					 enum synfw_process_action action,
					 enum synfw_process_action fallback)
{
	return (struct synfw_process_rule){
		.trigger = trigger, .action = action, .fallback = fallback};
}

/* One rule of each kind; those with a fallback do it, and no other. */
static void rules_that_isolate_fall_back(void **state)
{
	struct synfw_process_rule rules[] = {
		rule_of(SYNFW_ON_EXEC, SYNFW_PROCESS_ISOLATE, SYNFW_PROCESS_KILL),
		rule_of(SYNFW_ON_GROWTH, SYNFW_PROCESS_ISOLATE, SYNFW_PROCESS_FLAG),
		rule_of(SYNFW_ON_EXEC, SYNFW_PROCESS_DENY, SYNFW_PROCESS_FLAG),
		rule_of(SYNFW_ON_EXEC, SYNFW_PROCESS_SCORE, SYNFW_PROCESS_SCORE),
	};
	struct process_tables tables = {
		.head = {.nr_bits = 4,
			 .nr_rules = 4,
			 .actions = ACTION(ISOLATE) | ACTION(DENY) | ACTION(SCORE)},
		.rules = rules,
	};

	assert_true(process_hooks_needed(&tables, PROCESS_SECURITY_NONE) & HOOK(CONNECT4));
	process_hooks_fall_back(&tables);
	assert_int_equal(rules[0].action, SYNFW_PROCESS_KILL);
	assert_int_equal(rules[1].action, SYNFW_PROCESS_FLAG);
	assert_int_equal(rules[2].action, SYNFW_PROCESS_DENY);
	assert_int_equal(rules[3].action, SYNFW_PROCESS_SCORE);
	assert_int_equal(tables.head.actions,
			 ACTION(KILL) | ACTION(FLAG) | ACTION(DENY) | ACTION(SCORE));
	assert_int_equal(process_hooks_needed(&tables, PROCESS_SECURITY_NONE) &
				 (HOOK(CONNECT4) | HOOK(SOCK_CREATE) | HOOK(BIND6)),
			 0);
}

static void what_has_no_fallback_goes_on_to_isolate(void **state)
{
	struct synfw_process_rule rule =
		rule_of(SYNFW_ON_EXEC, SYNFW_PROCESS_ISOLATE, SYNFW_PROCESS_ISOLATE);
	struct process_tables tables = {
		.head = {.nr_bits = 1, .nr_rules = 1, .actions = ACTION(ISOLATE)},
		.rules = &rule,
	};

	process_hooks_fall_back(&tables);
	assert_int_equal(rule.action, SYNFW_PROCESS_ISOLATE);
	assert_int_equal(tables.head.actions, ACTION(ISOLATE));
	/* so do points, whatever rules do */
	rule.fallback = SYNFW_PROCESS_KILL;
	tables.head.act_at = 10;
	tables.head.act = tables.head.act_fallback = SYNFW_PROCESS_ISOLATE;
	process_hooks_fall_back(&tables);
	assert_int_equal(rule.action, SYNFW_PROCESS_KILL);
	assert_int_equal(tables.head.act, SYNFW_PROCESS_ISOLATE);
	assert_int_equal(tables.head.actions, ACTION(ISOLATE) | ACTION(KILL));
}

static void points_fall_back(void **state)
{
	struct process_tables tables = {
		.head = {.act_at = 10,
			 .act = SYNFW_PROCESS_ISOLATE,
			 .act_fallback = SYNFW_PROCESS_FLAG,
			 .actions = ACTION(ISOLATE)},
	};

	process_hooks_fall_back(&tables);
	assert_int_equal(tables.head.act, SYNFW_PROCESS_FLAG);
	assert_int_equal(tables.head.actions, ACTION(FLAG));
	/* what does not isolate is done whatever it would fall back to */
	tables.head.act = SYNFW_PROCESS_KILL;
	tables.head.act_fallback = SYNFW_PROCESS_FLAG;
	process_hooks_fall_back(&tables);
	assert_int_equal(tables.head.act, SYNFW_PROCESS_KILL);
}

static void what_refuses_is_needed_where_it_can_be_had(void **state)
{
	static const uint32_t calls =
		HOOK(MMAP) | HOOK(MPROTECT) | HOOK(PKEY_MPROTECT) | HOOK(SHMAT);
	static const uint32_t sockets =
		HOOK(ACCEPT) | HOOK(LISTEN) | HOOK(CONNECT) | HOOK(BIND) | HOOK(SENDMSG);
	const struct {
		uint32_t actions, wx_mapping;
		/* that there are with programs at functions, and with BPF LSM, beside `always` */
		uint32_t always, functions, lsm;
	} cases[] = {
		{ACTION(FLAG) | ACTION(KILL), 0, 0, 0, 0},
		{ACTION(ISOLATE), 0, HOOK(CONNECT4), sockets, sockets},
		{ACTION(DENY), 0, 0, HOOK(DENY), HOOK(DENY)},
		/* those at system calls are never passed by, so only BPF LSM is better */
		{ACTION(KILL), 1, 0, calls, HOOK(MMAP_FILE) | HOOK(FILE_MPROTECT)},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct process_tables tables = {
			.head = {.nr_bits = 1,
				 .nr_rules = 1,
				 .actions = cases[i].actions,
				 .trigger = {[SYNFW_ON_WX_MAPPING] = cases[i].wx_mapping}}};
		uint32_t without = process_hooks_needed(&tables, PROCESS_SECURITY_NONE);
		uint32_t common = without & ~calls;

		assert_int_equal(without & calls, cases[i].wx_mapping ? calls : 0);
		assert_int_equal(common & cases[i].always, cases[i].always);
		assert_int_equal(process_hooks_needed(&tables, PROCESS_SECURITY_FUNCTIONS),
				 common | cases[i].functions);
		assert_int_equal(process_hooks_needed(&tables, PROCESS_SECURITY_LSM),
				 common | cases[i].lsm);
	}
	assert_int_equal(process_hooks_needed(NULL, PROCESS_SECURITY_LSM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_that_isolate_fall_back),
		cmocka_unit_test(what_has_no_fallback_goes_on_to_isolate),
		cmocka_unit_test(points_fall_back),
		cmocka_unit_test(what_refuses_is_needed_where_it_can_be_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
