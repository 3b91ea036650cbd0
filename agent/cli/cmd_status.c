/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw status */
#include <stdio.h>
#include <time.h>

#include <synfw/cleanup.h>

#include "base/json.h"
#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "datapath/shadow.h"
#include "report/address_index.h"
#include "report/report.h"
#include "report/status.h"
#include "report/status_state.h"

static const char *mode_word(const struct status *status)
{
	if (!status->live.present || !status->live.tables.nr_pages)
		return NULL;
	return status->live.header.monitor ? "monitor" : "block";
}

/* ---- JSON ---- */

static json_t *policy_json(const struct status *status)
{
	const struct manifest *manifest = status->live.manifest;

	if (!manifest)
		return json_null();
	/* clang-format off */
	return json_pack("{s:o, s:I, s:s, s:o, s:o, s:I, s:I, s:o}",
			 "name", json_text(manifest->policy),
			 "revision", (json_int_t)manifest->revision,
			 "digest", manifest->digest,
			 "applied_at", json_time(manifest->applied_at_ns),
			 "file", json_text(manifest->file),
			 "lines", (json_int_t)status->live.header.nr_lines,
			 "kernel_bytes", (json_int_t)status->kernel_bytes,
			 "address_index", address_index_json(&status->live));
	/* clang-format on */
}

static json_t *interfaces_json(const struct status *status)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < status->nr_interfaces; i++) {
		const struct status_interface *interface = &status->interfaces[i];

		/* clang-format off */
		json_array_append_new(
			array, json_pack("{s:o, s:b, s:o, s:I, s:I, s:I}",
					 "name", json_text(interface->name),
					 "attached", interface->attached,
					 "xdp_mode", interface->attached
							     ? json_string(xdp_mode_word(
								       interface->mode))
							     : json_null(),
					 "packets", (json_int_t)interface->packets,
					 "bytes", (json_int_t)interface->bytes,
					 "dropped", (json_int_t)interface->dropped));
		/* clang-format on */
	}
	return array;
}

static json_t *sets_json(const struct status *status)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < status->nr_sets; i++)
		json_array_append_new(array, json_pack("{s:o, s:I, s:I}", "name",
						       json_text(status->sets[i].name), "members",
						       (json_int_t)status->sets[i].members, "size",
						       (json_int_t)status->sets[i].size));
	return array;
}

static json_t *flows_json(const struct status *status)
{
	const struct flows_count *count = &status->flows.count;

	if (!status->flows.tracked)
		return json_null();
	/* clang-format off */
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "tcp", (json_int_t)count->by_kind[SYNFW_FLOW_TCP],
			 "udp", (json_int_t)count->by_kind[SYNFW_FLOW_UDP],
			 "icmp", (json_int_t)count->by_kind[SYNFW_FLOW_ICMP],
			 "sctp", (json_int_t)count->by_kind[SYNFW_FLOW_SCTP],
			 "connected", (json_int_t)count->flows,
			 "unconnected", (json_int_t)count->udp_flows,
			 "size", (json_int_t)SYNFW_MAX_FLOWS,
			 "lost", (json_int_t)count->lost);
	/* clang-format on */
}

static json_t *reasons_json(const struct status *status)
{
	json_t *object = json_object();
	unsigned int reason;

	for (reason = 0; status->live.present && reason < SYNFW_NR_REASONS; reason++)
		json_object_set_new(object, shadow_reason_word(reason),
				    json_integer(status->reasons[reason]));
	return object;
}

static json_t *room_json(uint32_t count, uint32_t size)
{
	return json_pack("{s:I, s:I}", "count", (json_int_t)count, "size", (json_int_t)size);
}

static json_t *tallies_json(const struct status *status)
{
	json_t *object = json_object();
	unsigned int tally;

	for (tally = 0; status->live.present && tally < SYNFW_NR_TALLIES; tally++)
		if (status_tally_word(tally))
			json_object_set_new(object, status_tally_word(tally),
					    json_integer(status->tallies[tally]));
	return object;
}

static int print_json(const struct status *status)
{
	const char *mode = mode_word(status);
	/* clang-format off */
	CLEANUP(json_decrefp) json_t *root =
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:{s:b}, s:o}",
			  "schema", "synfw.status/1",
			  "mode", mode ? json_string(mode) : json_null(),
			  "policy", policy_json(status),
			  "interfaces", interfaces_json(status),
			  "sets", sets_json(status),
			  "flows", flows_json(status),
			  "reasons", reasons_json(status),
			  "blocks", room_json(status->blocks, SYNFW_MAX_BLOCKS),
			  "scores", room_json(status->scores, SYNFW_MAX_SOURCES),
			  "tallies", tallies_json(status),
			  "processes", status_processes_json(&status->processes,
							     status->live.manifest),
			  "agent", "running", status->agent_running,
			  "warnings", report_notes_json(&status->warnings));
	/* clang-format on */

	return report_print_json(root);
}

/* ---- text ---- */

static void print_policy(const struct status *status)
{
	const struct manifest *manifest = status->live.manifest;
	time_t applied_at;
	struct tm local;
	char when[32] = "";

	if (!mode_word(status)) {
		/* a warning may say that something else filters them */
		printf(status->warnings.count ? "no policy of this synfw is in force\n"
					      : "no policy is in force; packets pass unfiltered\n");
		return;
	}
	printf("mode:       %s%s%s\n", ui_style(stdout, UI_BOLD), mode_word(status),
	       ui_style(stdout, UI_PLAIN));
	if (!manifest)
		return;
	applied_at = manifest->applied_at_ns / 1000000000ULL;
	if (localtime_r(&applied_at, &local))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S %z", &local);
	printf("policy:     %s (%s)\nrevision:   %llu, applied %s\ndigest:     %s\n",
	       manifest->policy, manifest->file, (unsigned long long)manifest->revision, when,
	       manifest->digest);
	printf("tables:     %s, %.1f MiB of kernel memory\n",
	       ui_count(status->live.header.nr_lines, "line"), status->kernel_bytes / 1048576.0);
	printf("addresses:  ");
	address_index_print(&status->live);
}

static void print_interfaces(const struct status *status)
{
	size_t i;

	for (i = 0; i < status->nr_interfaces; i++) {
		const struct status_interface *interface = &status->interfaces[i];

		printf("interface:  %s: %s%s%s, %s, %llu dropped\n", interface->name,
		       ui_style(stdout, interface->attached ? UI_GREEN : UI_RED),
		       interface->attached ? xdp_mode_word(interface->mode) : "not attached",
		       ui_style(stdout, UI_PLAIN), ui_count(interface->packets, "packet"),
		       (unsigned long long)interface->dropped);
	}
}

static void print_state(const struct status *status)
{
	if (!status->live.present)
		return;
	printf("blocks:     %u of %u sources\n", status->blocks, SYNFW_MAX_BLOCKS);
	if (status->live.scoring.decay)
		printf("scores:     %s\n", ui_count(status->scores, "source"));
}

static void print_flows(const struct status *status)
{
	const struct flows_count *count = &status->flows.count;

	if (!status->flows.tracked)
		return;
	printf("flows:      %u TCP, %u UDP, %u ICMP, %u SCTP; %u of %d, and %u of %d of "
	       "unconnected "
	       "UDP\n",
	       count->by_kind[SYNFW_FLOW_TCP], count->by_kind[SYNFW_FLOW_UDP],
	       count->by_kind[SYNFW_FLOW_ICMP], count->by_kind[SYNFW_FLOW_SCTP], count->flows,
	       SYNFW_MAX_FLOWS, count->udp_flows, SYNFW_MAX_FLOWS);
}

static void print_reasons(const struct status *status)
{
	unsigned int reason;

	for (reason = 0; reason < SYNFW_NR_REASONS; reason++)
		if (status->reasons[reason])
			printf("  %-16s %12llu  %s\n", shadow_reason_word(reason),
			       (unsigned long long)status->reasons[reason],
			       shadow_reason_sentence(reason));
}

static void print_text(const struct status *status)
{
	size_t i;

	print_policy(status);
	print_interfaces(status);
	for (i = 0; i < status->nr_sets; i++)
		printf("set:        %s: %u of %u members\n", status->sets[i].name,
		       status->sets[i].members, status->sets[i].size);
	print_state(status);
	print_flows(status);
	status_processes_print(&status->processes, status->live.manifest);
	print_reasons(status);
	printf("agent:      synfwd is %srunning\n", status->agent_running ? "" : "not ");
	for (i = 0; i < status->warnings.count; i++)
		printf("%swarning:%s    %s\n", ui_style(stdout, UI_YELLOW),
		       ui_style(stdout, UI_PLAIN), status->warnings.text[i]);
}

int cmd_status(const struct invocation *invocation)
{
	CLEANUP(status_done) struct status status = {.live = LIVE_NONE};
	CLEANUP(fault_done) struct fault fault = {0};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (privileges_check("read the policy in force", &fault) ||
	    status_read(&invocation->paths, (uint64_t)now.tv_sec * 1000000000ULL + now.tv_nsec,
			&fault, &status))
		return ui_fault(&fault);
	if (option_given(invocation, "json"))
		return print_json(&status);
	print_text(&status);
	return EXIT_DONE;
}
