/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROCESS_TEXT_H
#define SYNFW_AGENT_PROCESS_TEXT_H

/* Processes in words. Names that they and files choose are any bytes, which must neither reach a
 * terminal nor be taken for something else. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <policyc.h>

#define PROCESS_COMM_MAX (16 * 4 + 1)

/* Room for what `bytes` bytes become. */
#define PROCESS_TEXT_MAX(bytes) ((bytes)*4 + 1)

/* Printable ASCII stays; a backslash and all else becomes \xNN. Returns `out`. */
char *process_text(const void *bytes, size_t count, char *out);

/* A task's name of 16 bytes, which ends early with a NUL. */
char *process_comm_text(const uint8_t comm[16], char out[PROCESS_COMM_MAX]);

/* The number of a process as a user writes it: decimal digits alone, and no more than it can have.
 */
bool process_pid_parse(const char *text, uint32_t *ret_pid);

/* The file that a process runs now, as text that the caller frees; NULL: it is gone, or a kernel
 * thread. */
char *process_exe_text(uint32_t pid);

/* "exec /tmp/x user 1000": what a test or a trace asks about. The caller frees it; NULL without
 * memory. */
char *process_spec_text(const struct process_spec *spec);

#endif
