/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_AGENT_UI_H
#define SYNFW_AGENT_UI_H

/* What commands say. Results go to stdout; everything here but the colours goes to stderr. */
#include <stdio.h>

#include <diag.h>

#include "fault.h"
#include "notes.h"

/* A terminal that moves its cursor. */
bool ui_terminal(FILE *stream);

/* A terminal, and NO_COLOR is not set (no-color.org). */
bool ui_colour(FILE *stream);

enum ui_style { UI_BOLD, UI_RED, UI_GREEN, UI_YELLOW, UI_DIM, UI_PLAIN };

/* The escape sequence, or "" where colour is off. */
const char *ui_style(FILE *stream, enum ui_style style);

void ui_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void ui_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void ui_notes(const struct notes *notes);

/* Ends what has changed something: a report that did not reach its reader is worth a warning, but
 * `what` is done. */
int ui_done(const char *what);

/* Prints a fault and returns its exit code. */
int ui_fault(const struct fault *fault);

/* Prints the diagnostics, and how many there were. */
void ui_diags(struct diags *diags);

/* "1 rule", "2 rules"; uses one of eight static buffers in turn. */
const char *ui_count(unsigned long long count, const char *noun);

#endif
