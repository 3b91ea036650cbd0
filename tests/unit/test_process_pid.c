/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which words are the number of a process, and not an address. */
#include "unit.h"

#include <processes/text.h>

#define UNTOUCHED 77

static void takes_decimal_numbers(void **state)
{
	uint32_t pid;

	assert_true(process_pid_parse("1", &pid));
	assert_int_equal(pid, 1);
	assert_true(process_pid_parse("4194304", &pid));
	assert_int_equal(pid, 4194304);
	assert_true(process_pid_parse("999999999", &pid));
	assert_int_equal(pid, 999999999);
}

static void refuses_all_else(void **state)
{
	static const char *const words[] = {"",	   " 1",      "1 ",  "-1",    "+1",
					    "0x1", "1.0.0.1", "::1", "4711x", "4294967297"};
	uint32_t pid = UNTOUCHED;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		assert_false(process_pid_parse(words[i], &pid));
		assert_int_equal(pid, UNTOUCHED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_decimal_numbers),
		cmocka_unit_test(refuses_all_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
