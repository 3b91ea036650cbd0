/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SET_FILE_H
#define POLICYC_SET_FILE_H

/* Set files: addresses and prefixes that others publish. */
#include "../diag.h"
#include "../prefix.h"

enum set_file_format {
	SET_FORMAT_AUTO,	  /* JSON when the first entry begins with a brace, else plain */
	SET_FORMAT_PLAIN,	  /* one prefix a line; '#' and ';' begin comments */
	SET_FORMAT_SPAMHAUS_JSON, /* one JSON object a line: "cidr", or "type": "metadata" */
};

/*
 * Adds the prefixes of `text` to `list`, not normalised. What is not a prefix is an error at
 * FILE:LINE: the first 20 one by one, the others as a count. `file` must outlive `diags`; the text
 * need not. Returns 0, whatever was reported, -E2BIG when there are more than SYNFW_MAX_PREFIXES
 * distinct prefixes, or -ENOMEM.
 */
int set_file_parse(const char *file, const char *text, size_t length, enum set_file_format format,
		   struct diags *diags, struct prefix_list *list);

/* How many lines a text has; the last may lack its end. */
size_t set_file_lines(const char *text, size_t length);

#endif
