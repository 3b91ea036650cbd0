/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_question.h"

#include <assert.h>
#include <string.h>

/* `text` NULL: nothing. The parser knows how much there is room for. */
static void put(const char *text, uint8_t *room, size_t size, uint32_t *ret_bytes)
{
	size_t length = text ? strlen(text) : 0;

	assert(length <= size);
	if (length)
		memcpy(room, text, length);
	*ret_bytes = length;
}

void process_question(const struct process_spec *spec, uint32_t slot, bool denies,
		      struct synfw_process_question *question)
{
	*question = (struct synfw_process_question){
		.slot = slot,
		.denies = denies,
		.uid = spec->uid,
		.gid = spec->gid,
		.memfd = !spec->exec,
		.trigger = SYNFW_ON_EXEC,
		.bit = SYNFW_NO_PROCESS_BIT,
	};
	put(spec->exec, question->path, sizeof(question->path), &question->path_bytes);
	put(spec->parent, question->parent, sizeof(question->parent), &question->parent_bytes);
	put(spec->ancestor, question->ancestor, sizeof(question->ancestor),
	    &question->ancestor_bytes);
	for (size_t i = 0; i < spec->nr_args; i++) {
		size_t length = strlen(spec->args[i]) + 1;

		assert(question->args_bytes + length <= sizeof(question->args));
		memcpy(question->args + question->args_bytes, spec->args[i], length);
		question->args_bytes += length;
	}
}
