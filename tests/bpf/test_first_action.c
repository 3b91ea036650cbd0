/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program whose first instruction is its own, as it has no libc and no loader: what the tests of
 * process rules execute. What it does, by its second argument:
 *
 * c FILE: creates FILE. x PROGRAM ARGUMENT...: executes PROGRAM. f PROGRAM ARGUMENT...: the same in
 * a child, and exits with the child's status, or 128 + its signal. w: writes a byte to descriptor
 * 1, and waits until it may read from 0. Anything else: exits with 0.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/syscall.h>

/* The kernel leaves argc, and argv behind it, where the stack begins. */
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");

static long call(long number, long a, long b, long c, long d)
{
	long result;

	register long fourth __asm__("r10") = d;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth)
			 : "rcx", "r11", "memory");
	return result;
}

static void leave(int status)
{
	call(SYS_exit_group, status, 0, 0, 0);
}

static void execute(char **argv)
{
	call(SYS_execve, (long)argv[0], (long)argv, 0, 0);
	leave(127);
}

static void execute_child(char **argv)
{
	long child = call(SYS_fork, 0, 0, 0, 0);
	int status = 0;

	if (!child)
		execute(argv);
	if (child < 0 || call(SYS_wait4, child, (long)&status, 0, 0) != child)
		leave(126);
	leave(status & 0x7f ? 128 + (status & 0x7f) : status >> 8);
}

__attribute__((used)) void begin(long *stack)
{
	char **argv = (char **)(stack + 1), byte;

	if (stack[0] < 2)
		leave(0);
	if (argv[1][0] == 'c')
		call(SYS_open, (long)argv[2], O_CREAT | O_WRONLY, 0600, 0);
	else if (argv[1][0] == 'x')
		execute(argv + 2);
	else if (argv[1][0] == 'f')
		execute_child(argv + 2);
	else if (argv[1][0] == 'w' && call(SYS_write, 1, (long)argv[1], 1, 0) == 1)
		call(SYS_read, 0, (long)&byte, 1, 0);
	leave(0);
}
