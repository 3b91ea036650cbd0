/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw events */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <synfw/cleanup.h>

#include "base/privileges.h"
#include "base/ui.h"
#include "command.h"
#include "report/event_report.h"
#include "report/events.h"
#include "report/process_event_report.h"
#include "report/report.h"

#define WAIT_MS	     1000
#define OUTPUT_BYTES (1 << 18)

/* What is written, and what was said of losses. */
struct output {
	bool as_json, failed;
	int error; /* errno of the first failure to write, when it failed */
	struct events_tallies told;
	time_t told_at;
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Without SA_RESTART: waiting ends, too. A reader that is gone shows when writing. */
static void catch_signals(void)
{
	static const int ending[] = {SIGHUP, SIGINT, SIGTERM};
	const struct sigaction action = {.sa_handler = stop}, ignore = {.sa_handler = SIG_IGN};
	size_t i;

	for (i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		sigaction(ending[i], &action, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

/* Whatever was said to stdout has just been written, or waits in its buffer. */
static void note_failure(struct output *output, bool failed)
{
	if (failed && !output->failed)
		output->error = errno;
	output->failed |= failed;
}

static int print_event(const struct synfw_event *event, const struct rule_names *names,
		       void *context)
{
	struct output *output = context;

	if (output->as_json) {
		CLEANUP(json_decrefp) json_t *object = event_json(event, names);

		report_print_json(object);
	} else {
		event_write_text(event, names, stdout);
	}
	note_failure(output, ferror(stdout));
	return stopped || output->failed ? -EINTR : 0;
}

static int print_process_event(const struct synfw_process_event *event,
			       const struct process_names *names, void *context)
{
	struct output *output = context;

	if (output->as_json) {
		CLEANUP(json_decrefp) json_t *object = process_event_json(event, names);

		report_print_json(object);
	} else {
		process_event_write_text(event, names, stdout);
	}
	note_failure(output, ferror(stdout));
	return stopped || output->failed ? -EINTR : 0;
}

/* ---- what is missing ---- */

static bool has_grown(const struct output *output, const struct events_tallies *tallies)
{
	const uint64_t *told = output->told.packets, *now = tallies->packets;

	return now[SYNFW_TALLY_EVENTS_LOST] > told[SYNFW_TALLY_EVENTS_LOST] ||
	       now[SYNFW_TALLY_EVENTS_LIMITED] > told[SYNFW_TALLY_EVENTS_LIMITED] ||
	       tallies->processes_lost > output->told.processes_lost ||
	       tallies->processes_limited > output->told.processes_limited;
}

/* It begins anew when rules on processes go and come back. */
static uint64_t grown_by(uint64_t now, uint64_t told)
{
	return now > told ? now - told : 0;
}

static void tell_losses(struct output *output, const struct events_tallies *tallies)
{
	uint64_t more[SYNFW_NR_TALLIES], lost, limited;
	size_t i;

	for (i = 0; i < SYNFW_NR_TALLIES; i++)
		more[i] = tallies->packets[i] - output->told.packets[i];
	lost = grown_by(tallies->processes_lost, output->told.processes_lost);
	limited = grown_by(tallies->processes_limited, output->told.processes_limited);
	output->told = *tallies;
	output->told_at = time(NULL);
	if (lost || limited)
		ui_warning("%s of processes lost because nobody read them in time, %s held back by "
			   "logging.limit",
			   ui_count(lost, "event"), ui_count(limited, "event"));
	ui_warning("%s lost because nobody read them in time, %s held back by logging.limit, %s "
		   "left out by logging.sample",
		   ui_count(more[SYNFW_TALLY_EVENTS_LOST], "event"),
		   ui_count(more[SYNFW_TALLY_EVENTS_LIMITED], "event"),
		   ui_count(more[SYNFW_TALLY_EVENTS_SAMPLED], "drop"));
	if (output->as_json) {
		/* clang-format off */
		CLEANUP(json_decrefp) json_t *object = json_pack(
			"{s:s, s:I, s:I, s:I, s:I, s:I}",
			"schema", "synfw.events/1",
			"lost", (json_int_t)more[SYNFW_TALLY_EVENTS_LOST],
			"limited", (json_int_t)more[SYNFW_TALLY_EVENTS_LIMITED],
			"sampled", (json_int_t)more[SYNFW_TALLY_EVENTS_SAMPLED],
			"processes_lost", (json_int_t)lost,
			"processes_limited", (json_int_t)limited);
		/* clang-format on */

		report_print_json(object);
	}
}

/* At most once a second, and in the end. */
static int look_for_losses(struct output *output, const struct events *events, bool last,
			   struct fault *fault)
{
	struct events_tallies tallies;
	int err;

	if (!last && output->told_at == time(NULL))
		return 0;
	err = events_tallies(events, fault, &tallies);
	if (!err && has_grown(output, &tallies))
		tell_losses(output, &tallies);
	return err;
}

/* ---- reading ---- */

/* Until a signal, the reader's end or that of the datapath, which is -ENOENT. */
static int follow(struct output *output, struct events *events, struct fault *fault)
{
	int err = events_tallies(events, fault, &output->told);

	while (!err && !stopped && !output->failed) {
		err = events_read(events, WAIT_MS, fault);
		note_failure(output, fflush(stdout));
		if (err == -EINTR)
			err = 0;
		if (!err)
			err = look_for_losses(output, events, stopped, fault);
	}
	return err;
}

static int open_events(const struct invocation *invocation, struct output *output,
		       struct fault *fault, struct events **ret_events)
{
	const struct events_reader reader = {print_event, print_process_event, output};

	return events_open(&invocation->paths, &reader, fault, ret_events);
}

/* Waits for the next datapath. A signal ends the waiting. */
static int open_next(const struct invocation *invocation, struct output *output,
		     struct fault *fault, struct events **ret_events)
{
	const struct timespec pause = {.tv_sec = WAIT_MS / 1000};
	int err = -ENOENT;

	ui_warning("no policy is in force any more; waiting for the next one");
	while (err == -ENOENT && !stopped) {
		nanosleep(&pause, NULL);
		err = open_events(invocation, output, fault, ret_events);
	}
	return err;
}

static int follow_all(const struct invocation *invocation, struct output *output,
		      struct events **events, struct fault *fault)
{
	int err = 0;

	while (!err && !stopped && !output->failed) {
		err = follow(output, *events, fault);
		if (err != -ENOENT)
			continue;
		events_closep(events);
		err = open_next(invocation, output, fault, events);
	}
	return stopped && !fault->message ? 0 : err;
}

/* A reader that has gone is no failure of ours, a full disk is one. What is left to write has
 * nowhere to go in both cases. */
static int forget_reader(struct output *output)
{
	note_failure(output, fflush(stdout));
	if (!output->failed)
		return EXIT_DONE;
	if (!freopen("/dev/null", "we", stdout))
		ui_warning("cannot let go of the standard output");
	if (output->error == EPIPE)
		return EXIT_DONE;
	ui_error("cannot write to the standard output: %s; events that were taken are lost",
		 fault_strerror(output->error));
	return EXIT_KERNEL;
}

int cmd_events(const struct invocation *invocation)
{
	CLEANUP(events_closep) struct events *events = NULL;
	CLEANUP(fault_done) struct fault fault = {0};
	struct output output = {.as_json = option_given(invocation, "json")};
	int err, status;

	if (privileges_check("read events", &fault))
		return ui_fault(&fault);
	err = open_events(invocation, &output, &fault, &events);
	if (err == -ENOENT)
		fault_refuse(&fault, EXIT_USAGE, "no policy is in force: there are no events");
	if (err)
		return ui_fault(&fault);
	catch_signals();
	/* a flood is written in large pieces; what comes singly is flushed after each reading */
	setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
	if (option_given(invocation, "follow")) {
		err = follow_all(invocation, &output, &events, &fault);
	} else {
		err = events_read(events, 0, &fault);
		if (!err)
			err = look_for_losses(&output, events, true, &fault);
	}
	status = forget_reader(&output);
	return err && err != -EINTR ? ui_fault(&fault) : status;
}
