/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The line that says what a command is doing: on a terminal that is its own, after a second. */
#include "unit.h"

#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <base/progress.h>

#define LONG_US 1500000
#define TEXT	256

/* A command on a terminal, which works until a byte comes, or so long. */
struct command {
	const char *term;
	bool in_background;
	useconds_t us; /* 0: until the byte */
};

static void work(const struct command *command)
{
	char byte;

	setenv("TERM", command->term, 1);
	progress_begin("reads");
	progress_stage("compiles");
	if (command->us)
		usleep(command->us);
	else if (read(STDIN_FILENO, &byte, 1) != 1)
		_exit(1);
	progress_end();
	_exit(0);
}

static void become(const struct command *command)
{
	int status;
	pid_t child;

	if (!command->in_background)
		work(command);
	child = fork();
	if (!child) {
		setpgid(0, 0);
		work(command);
	}
	_exit(waitpid(child, &status, 0) != child || status);
}

/* All that it writes until it ends; once there is "s)" among it, it is let go. */
static void run(const struct command *command, char text[TEXT])
{
	size_t length = 0;
	bool let_go = false;
	ssize_t got;
	int fd, status;
	pid_t child = forkpty(&fd, NULL, NULL, NULL);

	assert_true(child >= 0);
	if (!child)
		become(command);
	*text = '\0';
	while (length + 1 < TEXT && (got = read(fd, text + length, TEXT - 1 - length)) > 0) {
		length += (size_t)got;
		text[length] = '\0';
		if (!let_go && strstr(text, "s)")) {
			assert_int_equal(write(fd, "\n", 1), 1);
			let_go = true;
		}
	}
	close(fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void tells_after_a_second_and_leaves_nothing(void **state)
{
	const struct command command = {.term = "xterm"};
	char text[TEXT];
	unsigned int seconds = 0;

	run(&command, text);
	assert_int_equal(sscanf(text, "\rcompiles (%u s)\033[K", &seconds), 1);
	assert_int_equal(seconds, 1);
	assert_true(strlen(text) > 4 && !strcmp(text + strlen(text) - 4, "\r\033[K"));
}

static void is_silent_when_it_takes_no_second(void **state)
{
	const struct command command = {.term = "xterm", .us = 1};
	char text[TEXT];

	run(&command, text);
	assert_string_equal(text, "");
}

static void is_silent_where_it_cannot_take_the_line_away(void **state)
{
	const struct command command = {.term = "dumb", .us = LONG_US};
	char text[TEXT];

	run(&command, text);
	assert_string_equal(text, "");
}

static void is_silent_on_the_terminal_of_another_job(void **state)
{
	const struct command command = {.term = "xterm", .in_background = true, .us = LONG_US};
	char text[TEXT];

	run(&command, text);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_after_a_second_and_leaves_nothing),
		cmocka_unit_test(is_silent_when_it_takes_no_second),
		cmocka_unit_test(is_silent_where_it_cannot_take_the_line_away),
		cmocka_unit_test(is_silent_on_the_terminal_of_another_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
