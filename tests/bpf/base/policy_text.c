/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/policy_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <synfw/cleanup.h>

void policy_text_done(struct policy_text *text)
{
	for (size_t i = 0; i < text->nr_rules; i++)
		free(text->rules[i]);
	for (size_t i = 0; i < text->nr_files; i++) {
		free(text->files[i].path);
		free(text->files[i].text);
	}
	free(text->rules);
	free(text->files);
	free(text->members);
	free(text->head);
	*text = (struct policy_text){};
}

char *policy_text_render(const struct policy_text *text)
{
	char *whole = NULL;
	size_t length;
	FILE *out = open_memstream(&whole, &length);

	if (!out)
		return NULL;
	fputs(text->head, out);
	if (text->nr_rules)
		fputs("rules:\n", out);
	for (size_t i = 0; i < text->nr_rules; i++)
		fputs(text->rules[i], out);
	if (fclose(out) != 0) {
		free(whole);
		return NULL;
	}
	return whole;
}

static int save_file(const char *directory, const char *path, const char *text)
{
	CLEANUP(cleanup_free) char *name = NULL;
	FILE *out;

	if (asprintf(&name, "%s/%s", directory, path) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	for (char *slash = strchr(name + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(name, 0755) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	out = fopen(name, "w");
	if (!out)
		return -errno;
	fputs(text, out);
	return fclose(out) ? -errno : 0;
}

/* "SET ADDRESS STATE", one a line. */
static char *members_render(const struct policy_text *text)
{
	static const char *const states[] = {"live", "expired", "absent"};
	char *list = NULL, address[64];
	size_t length;
	FILE *out = open_memstream(&list, &length);

	if (!out)
		return NULL;
	for (size_t i = 0; i < text->nr_members; i++) {
		const struct policy_member *member = &text->members[i];

		if (member->address.family == 4)
			prefix4_format(&member->address.v4, address, sizeof(address));
		else
			prefix6_format(&member->address.v6, address, sizeof(address));
		fprintf(out, "%s %s %s\n", member->set, address, states[member->state]);
	}
	if (fclose(out) != 0) {
		free(list);
		return NULL;
	}
	return list;
}

int policy_text_save(const struct policy_text *text, const char *directory)
{
	CLEANUP(cleanup_free) char *whole = policy_text_render(text);
	CLEANUP(cleanup_free) char *members = members_render(text);
	int err;

	if (!whole || !members)
		return -ENOMEM;
	err = save_file(directory, "policy.yaml", whole);
	if (!err && text->nr_members)
		err = save_file(directory, "members", members);
	for (size_t i = 0; i < text->nr_files && !err; i++)
		err = save_file(directory, text->files[i].path, text->files[i].text);
	return err;
}

/* A policyc_load_fn; `context` is the struct policy_text. */
static int load(void *context, const char *path, char **ret_text, size_t *ret_length,
		uint64_t *ret_mtime_ns)
{
	const struct policy_text *text = context;

	for (size_t i = 0; i < text->nr_files; i++) {
		const struct policy_file *file = &text->files[i];
		size_t path_length = strlen(path), length = strlen(file->path);

		if (path_length < length || strcmp(path + path_length - length, file->path) != 0)
			continue;
		*ret_text = strdup(file->text);
		if (!*ret_text)
			return -ENOMEM;
		*ret_length = strlen(file->text);
		*ret_mtime_ns = 1;
		return 0;
	}
	return policyc_load_file(NULL, path, ret_text, ret_length, ret_mtime_ns);
}

int policy_text_compile(const struct policy_text *text, const struct policyc_options *options,
			FILE *errors, struct compiled *ret_compiled)
{
	struct policyc_loader loader = {.load = load, .context = (void *)text};
	struct compiled made = {};
	int err = -ENOMEM;

	made.text = policy_text_render(text);
	made.diags = diags_new();
	if (made.text && made.diags)
		err = policyc_parse("policy.yaml", made.text, strlen(made.text), &loader,
				    made.diags, &made.policy);
	if (!err)
		err = policyc_compile(made.policy, options, made.diags, &made.image);
	if (err) {
		if (made.diags && errors)
			diags_print(made.diags, errors, false);
		compiled_done(&made);
		return err;
	}
	*ret_compiled = made;
	return 0;
}

static uint32_t count_lines(const char *text)
{
	uint32_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* The rule that a line of the rendered text belongs to; nr_rules: none. */
static size_t rule_of_line(const struct policy_text *text, uint32_t line)
{
	uint32_t end = count_lines(text->head) + 1;
	size_t rule = 0;

	if (line <= end)
		return text->nr_rules;
	while (rule < text->nr_rules && line > (end += count_lines(text->rules[rule])))
		rule++;
	return rule;
}

size_t policy_text_drop_empty_rules(struct policy_text *text)
{
	struct policyc_loader loader = {.load = load, .context = text};
	CLEANUP(cleanup_free) char *whole = policy_text_render(text);
	struct diags *diags = diags_new();
	const struct diag *const *records;
	struct policy *policy = NULL;
	size_t count = 0, dropped = 0;

	if (!whole || !diags ||
	    policyc_parse("policy.yaml", whole, strlen(whole), &loader, diags, &policy) != -EINVAL)
		goto out;
	records = diags_sorted(diags, &count);
	/* From the last: the lines of those before stay where they are. */
	while (count-- > 0) {
		size_t rule = rule_of_line(text, records[count]->at.line);

		if (rule == text->nr_rules || records[count]->severity != DIAG_ERROR ||
		    strcmp(records[count]->at.file, "policy.yaml") != 0 ||
		    !strstr(records[count]->message, "takes out all that it matches"))
			continue;
		free(text->rules[rule]);
		memmove(text->rules + rule, text->rules + rule + 1,
			(text->nr_rules - rule - 1) * sizeof(*text->rules));
		text->nr_rules--;
		dropped++;
	}
out:
	policy_free(policy);
	diags_free(diags);
	return dropped;
}

void compiled_done(struct compiled *compiled)
{
	image_free(compiled->image);
	policy_free(compiled->policy);
	diags_free(compiled->diags);
	free(compiled->text);
	*compiled = (struct compiled){};
}
