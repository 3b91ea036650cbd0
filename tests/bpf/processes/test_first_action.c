/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program whose first instruction is its own, as it has no libc and no loader: what the tests of
 * process rules execute. What it does, by its second argument:
 *
 * c FILE: creates FILE. x PROGRAM ARGUMENT...: executes PROGRAM. f PROGRAM ARGUMENT...: the same in
 * a child, and exits with the child's status, or 128 + its signal. w: writes a byte to descriptor
 * 1, and waits until it may read from 0. Anything else: exits with 0.
 *
 * Requests of 64 MiB, after which it stays for some ticks, of which half a MiB is used: a: mmap. n:
 * mmap at an address of its own. b: brk. r: mremap. g: mmap, of which all is used. Writable and
 * executable pages: y: mmap. q: mprotect. h: shmat. e: mmap where readable implies executable. s:
 * many small requests, twice as much together. l: as g, then as w, and stays. t: y and a, in
 * turns.
 */
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <time.h>

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

#define LARGE	   (64L << 20)
#define SMALL	   (1L << 20)
#define SOME	   (512L << 10) /* some kernels tell of every 64 pages */
#define SOMEWHERE  0x200000000000L
#define STAY_NS	   50000000L
#define STAY_TICKS 12
#define LIMIT_NS   2000000000L

static long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long fourth __asm__("r10") = d, fifth __asm__("r8") = e, sixth __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
			 : "rcx", "r11", "memory");
	return result;
}

static char *map(long at, long bytes, int protection, int flags)
{
	return (char *)call6(SYS_mmap, at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			     -1, 0);
}

static void use(volatile char *bytes, long number)
{
	for (long i = 0; i < number; i += 4096)
		bytes[i] = 1;
}

static void map_shared(void)
{
	long id = call(SYS_shmget, IPC_PRIVATE, 4096, IPC_CREAT | 0700, 0);

	call(SYS_shmat, id, 0, SHM_EXEC, 0);
	call(SYS_shmctl, id, IPC_RMID, 0, 0);
}

static void ask_memory(char letter)
{
	const int usual = PROT_READ | PROT_WRITE;
	long at;

	if (letter == 'a') {
		use(map(0, LARGE, usual, 0), SOME);
	} else if (letter == 'n') {
		use(map(SOMEWHERE, LARGE, usual, MAP_FIXED), SOME);
	} else if (letter == 'b') {
		at = call(SYS_brk, 0, 0, 0, 0);
		call(SYS_brk, at + LARGE, 0, 0, 0);
		use((char *)at, SOME);
	} else if (letter == 'r') {
		at = (long)map(SOMEWHERE, SMALL, usual, MAP_FIXED);
		use((char *)call6(SYS_mremap, at, SMALL, LARGE, 0, 0, 0) + SMALL, SOME);
	} else if (letter == 'g' || letter == 'l') {
		use(map(0, LARGE, usual, 0), LARGE);
	} else if (letter == 's') {
		for (int i = 0; i < LARGE / SMALL * 2; i++)
			use(map(0, SMALL, usual, 0), SOME);
	} else if (letter == 'y') {
		map(0, 4096, usual | PROT_EXEC, 0);
	} else if (letter == 'q') {
		call(SYS_mprotect, (long)map(0, 4096, PROT_READ, 0), 4096, usual | PROT_EXEC, 0);
	} else if (letter == 'e') {
		call(SYS_personality, READ_IMPLIES_EXEC, 0, 0, 0);
		map(0, 4096, usual, 0);
	} else if (letter == 't') {
		for (int i = 0; i < 3; i++) {
			map(0, 4096, usual | PROT_EXEC, 0);
			map(0, LARGE, usual, 0);
		}
	} else if (letter == 'h') {
		map_shared();
	}
}

static long now_ns(long clock)
{
	struct timespec now;

	call(SYS_clock_gettime, clock, (long)&now, 0, 0);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* Long enough to be looked at while it runs: the coarse clock moves with each tick. Where a
 * processor is emulated much time may go by without one. */
static void stay(char letter)
{
	long begun = now_ns(CLOCK_MONOTONIC), ticks = 0, coarse, before = 0, stayed;

	for (const char *request = "anbrgsl"; letter != *request; request++)
		if (!*request)
			return;
	do {
		stayed = now_ns(CLOCK_MONOTONIC) - begun;
		coarse = now_ns(CLOCK_MONOTONIC_COARSE);
		ticks += coarse != before;
		before = coarse;
	} while ((stayed < STAY_NS || ticks < STAY_TICKS) && stayed < LIMIT_NS);
}

static void wait_for_word(char *argument)
{
	char byte;

	if (call(SYS_write, 1, (long)argument, 1, 0) == 1)
		call(SYS_read, 0, (long)&byte, 1, 0);
}

__attribute__((used)) void begin(long *stack)
{
	char **argv = (char **)(stack + 1);

	if (stack[0] < 2)
		leave(0);
	if (argv[1][0] == 'c')
		call(SYS_open, (long)argv[2], O_CREAT | O_WRONLY, 0600, 0);
	else if (argv[1][0] == 'x')
		execute(argv + 2);
	else if (argv[1][0] == 'f')
		execute_child(argv + 2);
	else
		ask_memory(argv[1][0]);
	if (argv[1][0] == 'w' || argv[1][0] == 'l')
		wait_for_word(argv[1]);
	stay(argv[1][0]);
	leave(0);
}
