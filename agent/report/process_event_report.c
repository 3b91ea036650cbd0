/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process_event_report.h"

#include "base/json.h"
#include "datapath/source.h"
#include "event_report.h"
#include "processes/text.h"

#define PATH_MAX_TEXT PROCESS_TEXT_MAX(SYNFW_MAX_PATTERN + 1)

static const char *kind_word(const struct synfw_process_event *event)
{
	return event->trigger == SYNFW_ON_EXEC || event->trigger == SYNFW_ON_PEER_BLOCK ? "process"
											: "memory";
}

static const char *trigger_word(const struct synfw_process_event *event)
{
	if (event->trigger == SYNFW_ON_PEER_BLOCK)
		return "peer-block";
	return event->trigger < SYNFW_NR_PROCESS_TRIGGERS ? manifest_trigger_word(event->trigger)
							  : "unknown";
}

static const char *action_word(const struct synfw_process_event *event)
{
	return event->action < SYNFW_NR_PROCESS_ACTIONS
		       ? manifest_process_action_word(event->action)
		       : "unknown";
}

static char *path_text(const struct synfw_process_event *event, char out[PATH_MAX_TEXT])
{
	size_t bytes =
		event->path_bytes <= sizeof(event->path) ? event->path_bytes : sizeof(event->path);

	return process_text(event->path, bytes, out);
}

static const char *peer_text(const struct synfw_process_event *event, char out[SOURCE_TEXT_MAX])
{
	return source_text(&event->peer, event->peer_prefixlen, out);
}

void process_event_write_text(const struct synfw_process_event *event,
			      const struct process_names *names, FILE *stream)
{
	const struct manifest_process_rule *rule = process_names_find(names, event->counter);
	char when[EVENT_TIME_MAX], comm[PROCESS_COMM_MAX], path[PATH_MAX_TEXT];
	char peer[SOURCE_TEXT_MAX];

	fprintf(stream, "%s %s%-7s ", event_time_text(event->time_boot_ns, when),
		event->flags & SYNFW_PROCESS_EVENT_MONITOR ? "would " : "", action_word(event));
	fprintf(stream, "pid %u (%s) of user %u, parent %u", event->pid,
		process_comm_text(event->comm, comm), event->uid, event->parent);
	if (event->path_bytes)
		fprintf(stream, ", %s%s", event->flags & SYNFW_PROCESS_EVENT_PATH_CUT ? "..." : "",
			path_text(event, path));
	if (event->flags & SYNFW_PROCESS_EVENT_DISGUISED)
		fputs(" (disguised: it executed another file)", stream);
	fprintf(stream, ": %s", trigger_word(event));
	if (event->trigger == SYNFW_ON_PEER_BLOCK)
		fprintf(stream, ", it talks with %s, which is blocked", peer_text(event, peer));
	if (event->trigger != SYNFW_ON_EXEC && event->bytes)
		fprintf(stream, " of %llu bytes", (unsigned long long)event->bytes);
	if (rule)
		fprintf(stream, " \"%s\" at %s:%u", rule->name, names->file, rule->line);
	if (event->score_before != event->score_after)
		fprintf(stream, ", score %u to %u", event->score_before, event->score_after);
	if (event->flags & SYNFW_PROCESS_EVENT_CROSSED)
		fputs(", which process-scoring acts on", stream);
	if (event->flags & SYNFW_PROCESS_EVENT_SPARED)
		fputs(", spared: it is protected", stream);
	fputc('\n', stream);
}

json_t *process_event_json(const struct synfw_process_event *event,
			   const struct process_names *names)
{
	char when[EVENT_TIME_MAX], comm[PROCESS_COMM_MAX], path[PATH_MAX_TEXT];
	char peer[SOURCE_TEXT_MAX];
	/* clang-format off */
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:I, s:I, s:I, s:I, s:s, s:s, s:b, s:b, s:I,"
		" s:I, s:I, s:o}",
		"schema", "synfw.event/1",
		"time", event_time_text(event->time_boot_ns, when),
		"kind", kind_word(event),
		"event", trigger_word(event),
		"action", action_word(event),
		"monitor", !!(event->flags & SYNFW_PROCESS_EVENT_MONITOR),
		"crossed", !!(event->flags & SYNFW_PROCESS_EVENT_CROSSED),
		"spared", !!(event->flags & SYNFW_PROCESS_EVENT_SPARED),
		"pid", (json_int_t)event->pid,
		"parent", (json_int_t)event->parent,
		"uid", (json_int_t)event->uid,
		"gid", (json_int_t)event->gid,
		"comm", process_comm_text(event->comm, comm),
		"path", path_text(event, path),
		"path_cut", !!(event->flags & SYNFW_PROCESS_EVENT_PATH_CUT),
		"disguised", !!(event->flags & SYNFW_PROCESS_EVENT_DISGUISED),
		"bytes", (json_int_t)event->bytes,
		"score_before", (json_int_t)event->score_before,
		"score_after", (json_int_t)event->score_after,
		"peer", event->trigger == SYNFW_ON_PEER_BLOCK
				? json_string(peer_text(event, peer)) : json_null());
	/* clang-format on */

	if (object)
		process_names_json(names, event->counter, object);
	return object;
}
