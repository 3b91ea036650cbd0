/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw trace */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <packet_spec.h>
#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "capture.h"
#include "cmd_trace.h"
#include "command.h"
#include "datapath/frame.h"
#include "datapath/packet_text.h"
#include "report/report.h"
#include "trace_packet.h"

#define MIN_FRAME 14

/* ---- one result ---- */

static int print_json(const struct trace_verdict *verdict, unsigned long long number)
{
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root = json_pack(
		"{s:s, s:I, s:s, s:s, s:o, s:o, s:I, s:s, s:b, s:I, s:I, s:o}",
		"schema", "synfw.trace/1",
		"packet", (json_int_t)number,
		"verdict", verdict->trace.verdict == SYNFW_DROP ? "drop" : "allow",
		"reason", shadow_reason_word(verdict->trace.reason),
		"rule", json_text_or_null(verdict->rule),
		"line", verdict->line ? json_integer(verdict->line) : json_null(),
		"score", (json_int_t)verdict->trace.score,
		"mode", verdict->trace.monitor ? "monitor" : "block",
		"established", verdict->trace.established,
		"score_before", (json_int_t)verdict->trace.score_before,
		"score_after", (json_int_t)verdict->trace.score_after,
		"parts", rule_names_parts_json(verdict->names, verdict->trace.part));
	/* clang-format on */

	return report_print_json(root);
}

/* ", score 120: null-scan 60, odd 60; its source has 10, and would have 130" */
static void print_score(const struct trace_verdict *verdict)
{
	CLEANUP(cleanup_free) char *parts = NULL;
	const struct synfw_trace *trace = &verdict->trace;

	if (!trace->score)
		return;
	parts = rule_names_parts_text(verdict->names, trace->part);
	printf(", score %u%s%s", trace->score, parts && *parts ? ": " : "", parts ? parts : "");
	if (trace->score_before || trace->score_after)
		printf("; its source has %u, and would have %u", trace->score_before,
		       trace->score_after);
}

static void print_text(const struct trace_subject *subject, const struct trace_verdict *verdict,
		       const char *packet)
{
	bool drop = verdict->trace.verdict == SYNFW_DROP;

	printf("%s: %s%s%s", packet, ui_style(stdout, drop ? UI_RED : UI_GREEN),
	       drop ? "drop" : "allow", ui_style(stdout, UI_PLAIN));
	if (verdict->rule)
		printf(" by rule \"%s\" at %s:%u", verdict->rule, trace_subject_file(subject),
		       verdict->line);
	printf(" (%s: %s)", shadow_reason_word(verdict->trace.reason),
	       shadow_reason_sentence(verdict->trace.reason));
	if (verdict->trace.established && verdict->trace.reason != SYNFW_REASON_ESTABLISHED)
		printf(", part of a connection that this host opened");
	print_score(verdict);
	if (drop && verdict->trace.monitor)
		printf(", but the policy only monitors: it passes");
	putchar('\n');
}

/* Judges a frame, prints the result, and notes in *dropped whether it would be dropped. */
static int trace_frame(const struct invocation *invocation, const struct trace_subject *subject,
		       const uint8_t *frame, uint32_t length, const char *packet,
		       unsigned long long number, struct fault *fault, bool *dropped)
{
	const char *interface = option_value(invocation, "interface");
	struct trace_verdict verdict;
	int err = trace_subject_judge(subject, trace_subject_slot(subject, interface), frame,
				      length, fault, &verdict);

	if (err)
		return err;
	*dropped |= verdict.trace.verdict == SYNFW_DROP;
	if (option_given(invocation, "json"))
		print_json(&verdict, number);
	else
		print_text(subject, &verdict, packet);
	return 0;
}

/* ---- one packet from the command line ---- */

static int bad_option(const char *name, const char *value, const char *problem)
{
	ui_error("--%s \"%s\" %s", name, value, problem);
	return -EINVAL;
}

static int parse_packet(const struct invocation *invocation, struct packet_spec *packet)
{
	const struct {
		const char *option;
		const char *(*parse)(const char *text, struct packet_spec *spec);
	} parsers[] = {
		{"from", packet_spec_parse_from},
		{"to", packet_spec_parse_to},
		{"flags", packet_spec_parse_flags},
		{"vlan", packet_spec_parse_vlan},
	};
	const char *value, *problem;
	size_t i;

	packet_spec_init(packet);
	for (i = 0; i < sizeof(parsers) / sizeof(*parsers); i++) {
		value = option_value(invocation, parsers[i].option);
		problem = value ? parsers[i].parse(value, packet) : NULL;
		if (problem)
			return bad_option(parsers[i].option, value, problem);
	}
	problem = packet_spec_check(packet);
	if (problem) {
		ui_error("%s", problem);
		return -EINVAL;
	}
	return 0;
}

static int trace_packet(const struct invocation *invocation, const struct trace_subject *subject,
			const struct packet_spec *packet, struct fault *fault, bool *dropped)
{
	char text[PACKET_TEXT_MAX];
	struct frame frame;

	frame_build(packet, &frame);
	return trace_frame(invocation, subject, frame.bytes, frame.length,
			   packet_text(packet, text), 1, fault, dropped);
}

/* ---- a capture ---- */

static int trace_capture(const struct invocation *invocation, const struct trace_subject *subject,
			 struct fault *fault, bool *dropped)
{
	CLEANUP(capture_closep) struct capture *capture = NULL;
	unsigned long long number;
	const uint8_t *frame;
	uint32_t length;
	char text[48];
	int result;

	result = capture_open(option_value(invocation, "pcap"), fault, &capture);
	if (result)
		return result;
	for (number = 1; (result = capture_next(capture, fault, &frame, &length)) == 1; number++) {
		if (length < MIN_FRAME || length > SHADOW_MAX_FRAME) {
			ui_warning("packet %llu: a frame of %u bytes cannot be judged; no "
				   "interface would hand it to XDP",
				   number, length);
			continue;
		}
		snprintf(text, sizeof(text), "packet %llu (%u bytes)", number, length);
		result = trace_frame(invocation, subject, frame, length, text, number, fault,
				     dropped);
		if (result)
			return result;
	}
	return result;
}

/* ---- the command ---- */

static int check_usage(const struct invocation *invocation)
{
	bool capture = option_given(invocation, "pcap");
	bool packet = option_given(invocation, "from") || option_given(invocation, "to") ||
		      option_given(invocation, "flags") || option_given(invocation, "vlan");

	if (capture && packet) {
		ui_error("--pcap brings its own packets; leave --from, --to, --flags and --vlan "
			 "out");
		return EXIT_USAGE;
	}
	if (!capture && (!option_given(invocation, "from") || !option_given(invocation, "to"))) {
		ui_error("`synfw trace` needs --from and --to, or --pcap; for example: synfw "
			 "trace --from 198.51.100.7 --to 23/tcp");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

/* Whoever asks about an interface that the policy leaves alone must not take the answer for what
 * happens there. */
static void warn_of_unknown_interface(const struct invocation *invocation,
				      const struct trace_subject *subject)
{
	const char *interface = option_value(invocation, "interface");

	if (interface && !trace_subject_slot(subject, interface))
		ui_warning(
			"the policy is not attached to \"%s\": its packets are not judged; this is "
			"what the policy would say of an interface that no rule names",
			interface);
}

static int open_subject(const struct invocation *invocation, struct policy_file *file,
			struct fault *fault, struct trace_subject **ret_subject)
{
	const char *path = option_value(invocation, "policy");
	int err = 0;

	if (path)
		err = policy_file_load(path, fault, file);
	if (!err)
		err = privileges_check("run the shadow program", fault);
	if (!err && path)
		err = trace_subject_from_policy(&invocation->paths, file, fault, ret_subject);
	else if (!err)
		err = trace_subject_from_live(&invocation->paths, fault, ret_subject);
	if (file->diags && diags_errors(file->diags))
		ui_diags(file->diags);
	return err;
}

int cmd_trace(const struct invocation *invocation)
{
	CLEANUP(policy_file_done) struct policy_file file = {0};
	CLEANUP(trace_subject_freep) struct trace_subject *subject = NULL;
	CLEANUP(fault_done) struct fault fault = {0};
	struct packet_spec packet;
	bool dropped = false;
	int err;

	if (trace_is_of_exec(invocation))
		return trace_exec(invocation);
	err = check_usage(invocation);
	if (err)
		return err;
	if (!option_given(invocation, "pcap") && parse_packet(invocation, &packet))
		return EXIT_USAGE;
	err = open_subject(invocation, &file, &fault, &subject);
	if (err == -EINVAL && !fault.message)
		return EXIT_POLICY;
	if (!err)
		warn_of_unknown_interface(invocation, subject);
	if (!err)
		err = option_given(invocation, "pcap")
			      ? trace_capture(invocation, subject, &fault, &dropped)
			      : trace_packet(invocation, subject, &packet, &fault, &dropped);
	if (err)
		return ui_fault(&fault);
	return dropped ? EXIT_NO : EXIT_DONE;
}
