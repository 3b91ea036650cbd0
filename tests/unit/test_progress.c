/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The line that says what a command is doing: on a terminal, after a second, and nowhere else. */
#include "unit.h"

#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <progress.h>

#define SHORT_US 200000
#define LONG_US	 1300000

static void work(useconds_t us)
{
	setenv("TERM", "xterm", 1);
	progress_begin("reads");
	usleep(SHORT_US);
	progress_stage("compiles");
	usleep(us - SHORT_US);
	progress_end();
	_exit(0);
}

/* All that a child writes to `fd`, until it ends. */
static void read_all(int fd, pid_t child, char *text, size_t size)
{
	size_t length = 0;
	ssize_t got;
	int status;

	while (length + 1 < size && (got = read(fd, text + length, size - length - 1)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	close(fd);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void on_terminal(useconds_t us, char *text, size_t size)
{
	int fd;
	pid_t child = forkpty(&fd, NULL, NULL, NULL);

	assert_true(child >= 0);
	if (!child)
		work(us);
	read_all(fd, child, text, size);
}

static void tells_from_the_first_second_on_and_leaves_nothing(void **state)
{
	char text[256];

	on_terminal(LONG_US, text, sizeof(text));
	assert_string_equal(text, "\rcompiles (1 s)\033[K\r\033[K");
}

static void is_silent_when_it_takes_no_second(void **state)
{
	char text[256];

	on_terminal(2 * SHORT_US, text, sizeof(text));
	assert_string_equal(text, "");
}

static void is_silent_where_there_is_no_terminal(void **state)
{
	char text[256];
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		dup2(ends[1], STDERR_FILENO);
		work(LONG_US);
	}
	close(ends[1]);
	read_all(ends[0], child, text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_from_the_first_second_on_and_leaves_nothing),
		cmocka_unit_test(is_silent_when_it_takes_no_second),
		cmocka_unit_test(is_silent_where_there_is_no_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
