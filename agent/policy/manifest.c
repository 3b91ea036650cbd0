/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <synfw/cleanup.h>

static const char *const action_words[] = {
	[SYNFW_ACTION_ALLOW] = "allow",
	[SYNFW_ACTION_DROP] = "drop",
	[SYNFW_ACTION_SCORE] = "score",
};

static const char *const attach_words[] = {
	[ATTACH_AUTO] = "auto",
	[ATTACH_NATIVE] = "native",
	[ATTACH_GENERIC] = "generic",
};

static const char *const process_action_words[SYNFW_NR_PROCESS_ACTIONS] = {
	[SYNFW_PROCESS_SCORE] = "score",     [SYNFW_PROCESS_FLAG] = "flag",
	[SYNFW_PROCESS_ISOLATE] = "isolate", [SYNFW_PROCESS_KILL] = "kill",
	[SYNFW_PROCESS_DENY] = "deny",
};

static const char *const trigger_words[SYNFW_NR_PROCESS_TRIGGERS] = {
	[SYNFW_ON_EXEC] = "exec",
	[SYNFW_ON_WX_MAPPING] = "wx-mapping",
	[SYNFW_ON_ALLOCATION] = "allocation",
	[SYNFW_ON_GROWTH] = "growth",
};

const char *manifest_process_action_word(enum synfw_process_action action)
{
	return process_action_words[action];
}

const char *manifest_trigger_word(enum synfw_process_trigger trigger)
{
	return trigger_words[trigger];
}

const char *manifest_action_word(enum synfw_rule_action action)
{
	return action_words[action];
}

const char *manifest_attach_word(enum attach_mode attach)
{
	return attach_words[attach];
}

/* Room for so many lines more, which are 0. */
static int make_room(struct image *image, size_t count)
{
	size_t room = image->nr_lines + count;
	struct synfw_line *lines;

	if (room <= image->room)
		return 0;
	lines = reallocarray(image->lines, room, sizeof(*lines));
	if (!lines)
		return -ENOMEM;
	memset(lines + image->nr_lines, 0, count * sizeof(*lines));
	image->lines = lines;
	image->room = room;
	return 0;
}

int manifest_append(const struct manifest *manifest, struct image *image)
{
	CLEANUP(cleanup_free) char *text = NULL;
	struct synfw_header *header;
	size_t length, count;
	int err;

	err = manifest_to_text(manifest, &text, &length);
	if (err)
		return err;
	count = (length + SYNFW_LINE_BYTES - 1) / SYNFW_LINE_BYTES;
	if (length > UINT32_MAX || count > UINT32_MAX - image->nr_lines)
		return -E2BIG;
	err = make_room(image, count);
	if (err)
		return err;
	memcpy(image->lines + image->nr_lines, text, length);

	header = image_header(image);
	header->manifest_base = image->nr_lines;
	header->manifest_bytes = length;
	image->nr_lines += count;
	header->nr_lines = image->nr_lines;
	return 0;
}

/* Those of `memory` stand behind those of `processes`. */
static size_t first_memory_rule(const struct manifest *manifest)
{
	size_t i = 0;

	while (i < manifest->nr_process_rules &&
	       manifest->process_rules[i].trigger == SYNFW_ON_EXEC)
		i++;
	return i;
}

const struct manifest_process_rule *manifest_process_rule(const struct manifest *manifest,
							  uint32_t index)
{
	size_t first = index & SYNFW_PROCESS_INDEX_MEMORY ? first_memory_rule(manifest) : 0;
	size_t place = first + (index & ~SYNFW_PROCESS_INDEX_MEMORY);

	return place < manifest->nr_process_rules ? &manifest->process_rules[place] : NULL;
}

static void free_rules(struct manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->nr_rules; i++) {
		free(manifest->rules[i].name);
		free(manifest->rules[i].description);
		free(manifest->rules[i].text);
	}
	free(manifest->rules);
}

static void free_process_rules(struct manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->nr_process_rules; i++) {
		free(manifest->process_rules[i].name);
		free(manifest->process_rules[i].description);
		free(manifest->process_rules[i].text);
	}
	free(manifest->process_rules);
}

static void free_sets(struct manifest *manifest)
{
	size_t i;

	for (i = 0; i < manifest->nr_sets; i++) {
		free(manifest->sets[i].name);
		free(manifest->sets[i].digest);
		free(manifest->sets[i].file);
	}
	free(manifest->sets);
}

void manifest_free(struct manifest *manifest)
{
	size_t i;

	if (!manifest)
		return;
	free_rules(manifest);
	free_process_rules(manifest);
	free_sets(manifest);
	for (i = 0; i < manifest->nr_protects; i++)
		free(manifest->protects[i].text);
	for (i = 0; i < manifest->nr_program_protects; i++)
		free(manifest->program_protects[i].text);
	for (i = 0; i < manifest->nr_interfaces; i++)
		free(manifest->interfaces[i].name);
	for (i = 0; i < manifest->nr_defaults; i++) {
		free(manifest->defaults[i].name);
		free(manifest->defaults[i].choice);
	}
	free(manifest->protects);
	free(manifest->program_protects);
	free(manifest->interfaces);
	free(manifest->defaults);
	free(manifest->policy);
	free(manifest->description);
	free(manifest->file);
	free(manifest->digest);
	free(manifest->infrastructure);
	free(manifest->netns);
	free(manifest->scoring);
	free(manifest->logging);
	free(manifest->process_scoring.text);
	free(manifest->process_hooks);
	free(manifest->process_digest);
	free(manifest);
}

void manifest_freep(struct manifest **manifest)
{
	manifest_free(*manifest);
	*manifest = NULL;
}
