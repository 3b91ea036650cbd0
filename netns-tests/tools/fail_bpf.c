/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LD_PRELOAD library: lets the bpf() call number FAIL_BPF_AT (1 is the first; 0: none) fail with
 * the errno FAIL_BPF_ERRNO without reaching the kernel, and writes the number of calls that were
 * made to the file FAIL_BPF_COUNT when the program ends. libbpf makes its calls by syscall(2).
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long calls;

static unsigned long number_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtoul(text, NULL, 10) : 0;
}

static void __attribute__((destructor)) write_count(void)
{
	const char *path = getenv("FAIL_BPF_COUNT");
	int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;

	if (fd < 0)
		return;
	dprintf(fd, "%lu\n", calls);
	close(fd);
}

long syscall(long number, ...)
{
	static long (*next)(long number, ...);
	long argument[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		argument[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_bpf && ++calls == number_of("FAIL_BPF_AT")) {
		errno = (int)number_of("FAIL_BPF_ERRNO");
		return -1;
	}
	if (!next)
		next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return next(number, argument[0], argument[1], argument[2], argument[3], argument[4],
		    argument[5]);
}
