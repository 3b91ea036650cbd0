/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LD_PRELOAD library: a program that lets the kernel take the file DISGUISE_AS for what it runs, and then asks
 * for 128 MiB of memory. It leaves the mappings of its own file first, so it never comes to its main().
 * With DISGUISE_IN_USERNS it does so as root of a user namespace. Ends with 0, or with 3 when the kernel
 * refused.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <linux/prctl.h>
#include <unistd.h>

#define BYTES	   (128UL << 20)
#define REFUSED	   3
#define TEXT_BYTES 65536

static void need(int done)
{
	if (!done)
		_exit(REFUSED);
}

static void read_text(const char *path, char text[TEXT_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1, length = 0;

	for (; got > 0 && length < TEXT_BYTES - 1; length += got > 0 ? got : 0)
		got = read(fd, text + length, TEXT_BYTES - 1 - length);
	need(fd >= 0 && got == 0);
	text[length] = '\0';
	close(fd);
}

/* What the kernel says of the address space, to be told again unchanged: fields of proc(5)'s stat. */
static void read_map(struct prctl_mm_map *map)
{
	static char text[TEXT_BYTES];
	unsigned long field[52] = {0};
	int number = 3;

	read_text("/proc/self/stat", text);
	for (char *word = strtok(strrchr(text, ')') + 2, " "); word && number < 52;
	     word = strtok(NULL, " "))
		field[number++] = strtoul(word, NULL, 10);
	*map = (struct prctl_mm_map){
		.start_code = field[26],
		.end_code = field[27],
		.start_stack = field[28],
		.start_data = field[45],
		.end_data = field[46],
		.start_brk = field[47],
		.brk = (unsigned long)sbrk(0),
		.arg_start = field[48],
		.arg_end = field[49],
		.env_start = field[50],
		.env_end = field[51],
	};
}

static void leave_own_file(void)
{
	static char maps[TEXT_BYTES], own[4096];
	unsigned long from, to;

	need(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0);
	read_text("/proc/self/maps", maps);
	for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, own) && sscanf(line, "%lx-%lx", &from, &to) == 2)
			munmap((void *)from, to - from);
}

static void __attribute__((constructor)) disguise(void)
{
	const char *as = getenv("DISGUISE_AS");
	struct prctl_mm_map map;

	if (!as)
		return;
	if (getenv("DISGUISE_IN_USERNS"))
		need(unshare(CLONE_NEWUSER) == 0);
	read_map(&map);
	map.exe_fd = open(as, O_RDONLY | O_CLOEXEC);
	leave_own_file();
	need(prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof(map), 0) == 0);
	need(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) !=
	     MAP_FAILED);
	_exit(0);
}
