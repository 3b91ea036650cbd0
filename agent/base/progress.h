/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_PROGRESS_H
#define SYNFW_AGENT_PROGRESS_H

/*
 * One line on a terminal that says what a command is doing, from its first second on. Elsewhere,
 * and where no thread can be had, it says nothing. Written by a thread that takes no signals: a
 * timer's signal would interrupt what the command waits for in the kernel.
 */

/* `stage` must stay valid until the end. */
void progress_begin(const char *stage);
void progress_stage(const char *stage);

/* Takes the line away. Nothing else may be written to the terminal before. */
void progress_end(void);

#endif
