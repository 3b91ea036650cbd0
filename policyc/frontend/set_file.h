/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_SET_FILE_H
#define POLICYC_SET_FILE_H

/* Set files: addresses and prefixes that others publish. */
#include "../policyc.h"
#include "../prefix.h"

enum set_file_format {
	SET_FORMAT_AUTO,	  /* JSON when the first entry begins with a brace, else plain */
	SET_FORMAT_PLAIN,	  /* one prefix a line; '#' and ';' begin comments */
	SET_FORMAT_SPAMHAUS_JSON, /* one JSON object a line: "cidr", or "type": "metadata" */
};

/*
 * Adds the prefixes of what the stream reads to `list`, not normalised. What is not a prefix is an
 * error at FILE:LINE: the first 20 one by one, the others as a count. `file` must outlive `diags`.
 * At any time a piece of the file is in memory, see pieces.h. Returns 0, whatever was reported, and
 * the number of lines, or -errno: -E2BIG when there are more than SYNFW_MAX_PREFIXES distinct
 * prefixes, with that number as well; -ENOMEM; the stream's.
 */
int set_file_read(const char *file, struct policyc_stream *stream, enum set_file_format format,
		  struct diags *diags, struct prefix_list *list, size_t *ret_lines);

#endif
