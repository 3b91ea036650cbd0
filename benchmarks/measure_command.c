/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs a command with its output thrown away and prints its milliseconds and its largest resident
 * memory in KiB: measure-command [-i INPUT] COMMAND [ARGUMENT...]. Small on purpose: the kernel
 * counts what a process was before exec as well.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

static void run_command(const char *input, char **command)
{
	int null = open("/dev/null", O_RDWR), in = open(input, O_RDONLY);

	if (null < 0 || in < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
		_exit(127);
	execvp(command[0], command);
	_exit(127);
}

int main(int argc, char **argv)
{
	const char *input = "/dev/null";
	char **command = argv + 1;
	struct rusage usage;
	double start;
	int status;
	pid_t pid;

	if (argc > 3 && !strcmp(argv[1], "-i")) {
		input = argv[2];
		command += 2;
	}
	if (argc < 2) {
		fprintf(stderr, "usage: measure-command [-i INPUT] COMMAND [ARGUMENT...]\n");
		return 2;
	}
	start = now_ms();
	pid = fork();
	if (pid == 0)
		run_command(input, command);
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		perror("measure-command");
		return 1;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return 1;
	printf("%.3f %ld\n", now_ms() - start, usage.ru_maxrss);
	return 0;
}
