/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One process of a fork bomb: bomb_member EXECS_LEFT, a decimal number, executes itself so often,
 * then asks for a socket, tells it, and stays until the gate opens. Without libc and loader, so that
 * the executions are most of its work.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "bomb.h"

/* The kernel leaves argc, argv and the environment where the stack begins. */
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall begin\n");

static long call(long number, long a, long b, long c, long d, long e)
{
	register long fourth __asm__("r10") = d, fifth __asm__("r8") = e, sixth __asm__("r9") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
	return result;
}

/* One less; 0: it was none. */
static int count_down(char *text)
{
	char *digit = text, *last = NULL;

	for (; *digit; digit++)
		if (*digit != '0')
			last = digit;
	if (!last)
		return 0;
	--*last;
	while (*++last)
		*last = '9';
	return 1;
}

static int socket_is_refused(void)
{
	long fd = call(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0);

	call(SYS_close, fd, 0, 0, 0, 0);
	return fd == -EPERM;
}

static int stay(void)
{
	struct tally *tally = (void *)call(SYS_mmap, 0, sizeof(*tally), PROT_READ | PROT_WRITE,
					   MAP_SHARED, TALLY_FD);
	char byte;

	if ((unsigned long)tally > -4096UL)
		return 1;
	tally->refused += socket_is_refused();
	tally->alive++;
	return call(SYS_read, GATE_FD, (long)&byte, 1, 0, 0) ? 1 : 0;
}

__attribute__((used)) void begin(long *stack)
{
	char **argv = (char **)(stack + 1), **environment = argv + stack[0] + 1;
	int status = 1;

	if (stack[0] == 2 && count_down(argv[1]))
		call(SYS_execve, (long)argv[0], (long)argv, (long)environment, 0, 0);
	else if (stack[0] == 2)
		status = stay();
	call(SYS_exit_group, status, 0, 0, 0, 0);
}
