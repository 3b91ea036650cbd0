/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_DIAG_H
#define POLICYC_DIAG_H

/*
 * Diagnostics are records, not output: a run collects all of them, the caller prints or serialises
 * them. Messages are lower case, name what failed, quote the user's text, say what would work.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* A place in a text. `file` is borrowed and must outlive the diagnostics; line and column count
 * from 1, in bytes; line 0 means the file as a whole. `length` is how many bytes the caret
 * spans. */
struct location {
	const char *file;
	uint32_t line;
	uint32_t column;
	uint32_t length;
};

enum diag_severity {
	DIAG_ERROR,
	DIAG_WARNING,
};

struct diag {
	enum diag_severity severity;
	struct location at;
	char *message;		/* NULL: there was no memory for it */
	char *source_line;	/* text of at.line without its end, or NULL */
	struct location related; /* second place, file NULL: none */
	char *related_message;
	char *related_line;
	char *hint;		/* "did you mean ...", or NULL */
};

struct diags;

/* Returns an empty collection, or NULL without memory. */
struct diags *diags_new(void);
void diags_free(struct diags *diags);
void diags_freep(struct diags **diags);

/* Remembers the text of a file, so that its lines can be quoted. Copies nothing: `text` must
 * outlive the collection's last diag_add for that file. */
int diags_add_source(struct diags *diags, const char *file, const char *text, size_t length);

/* The same with a part of the text, instead of the part before; its first line is `first_line`. */
int diags_add_part(struct diags *diags, const char *file, uint32_t first_line, const char *text,
		   size_t length);

/* Forgets the text again, so that it can be freed before the collection. */
void diags_drop_source(struct diags *diags, const char *file);

/* A copy of a file name that lives as long as the collection, or NULL without memory. */
const char *diags_intern(struct diags *diags, const char *name);

/* Adds a record. After 1,000 errors further ones are only counted. Without memory the error is
 * still counted, so that diags_errors() never says 0 after a failure. Returns the record, to hang a
 * hint or a second place on, or NULL when it was only counted. */
struct diag *diag_error(struct diags *diags, struct location at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
struct diag *diag_warning(struct diags *diags, struct location at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Both accept a NULL record. */
void diag_hint(struct diag *diag, const char *format, ...) __attribute__((format(printf, 2, 3)));
void diag_related(struct diags *diags, struct diag *diag, struct location at, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

size_t diags_errors(const struct diags *diags);
size_t diags_warnings(const struct diags *diags);

/* The records in the order of file, line, column; `count` receives how many. Borrowed. */
const struct diag *const *diags_sorted(struct diags *diags, size_t *ret_count);

/* Prints all records as a person reads them:
 *
 *   policy.yaml:12:9: error: unknown key "form" in a rule
 *      12 |     form: management
 *         |     ^~~~
 *   did you mean "from"?
 */
void diags_print(struct diags *diags, FILE *out, bool colour);

#endif
