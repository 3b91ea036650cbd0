/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_POLICY_TEXT_H
#define TESTS_BPF_POLICY_TEXT_H

/*
 * A policy as text in pieces, so that a failing one can be made smaller rule by rule, with the set
 * files that it names held in memory.
 */
#include <stddef.h>
#include <stdio.h>

#include <policyc.h>

struct policy_file {
	char *path; /* as the policy writes it */
	char *text;
};

enum member_state {
	MEMBER_LIVE,
	MEMBER_EXPIRED,
	MEMBER_ABSENT,
	NR_MEMBER_STATES,
};

/* An address of a dynamic set, which is none of the policy's text, but of the question. */
struct policy_member {
	char set[16];
	struct any_prefix address; /* of full length */
	enum member_state state;
};

struct policy_text {
	char *head;   /* everything before the rules */
	char **rules; /* one entry of `rules` each, indented, with its newline */
	size_t nr_rules;
	struct policy_file *files;
	size_t nr_files;
	struct policy_member *members;
	size_t nr_members;
};

void policy_text_done(struct policy_text *text);

/* The whole text; the caller frees. NULL without memory. */
char *policy_text_render(const struct policy_text *text);

/* Writes policy.yaml, the set files and a list of the members below `directory`, which is made.
 * 0 or -errno. */
int policy_text_save(const struct policy_text *text, const char *directory);

/* A policy that went through policyc, with everything that it refers to. */
struct compiled {
	char *text;
	struct diags *diags;
	struct policy *policy;
	struct image *image;
};

/* Parses and compiles; set files come from memory, and from the file system when `text` does not
 * hold them. On failure the diagnostics go to `errors` unless it is NULL. 0 or -errno. */
int policy_text_compile(const struct policy_text *text, const struct policyc_options *options,
			FILE *errors, struct compiled *ret_compiled);
/* Leaves out the rules that policyc refuses because their \`except\` takes out all that they match:
 * a generator cannot know that without doing policyc's work. Returns how many. */
size_t policy_text_drop_empty_rules(struct policy_text *text);

void compiled_done(struct compiled *compiled);

#endif
