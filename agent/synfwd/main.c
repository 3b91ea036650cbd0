/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfwd: keeps current what the kernel cannot find out by itself, and frees what an apply has
 * replaced. What is in force needs it not. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>

#include "base/privileges.h"
#include "base/ui.h"
#include "host/instance.h"
#include "source.h"

static const struct source *const sources[] = {&source_routes, &source_files};

#define NR_SOURCES (sizeof(sources) / sizeof(*sources))

struct synfwd {
	struct paths paths;
	int instance_fd;
	sd_event *event;
	struct keeper *keeper;
	void *states[NR_SOURCES];
};

static void synfwd_done(struct synfwd *synfwd)
{
	size_t i;

	for (i = 0; i < NR_SOURCES; i++)
		sources[i]->close(synfwd->states[i]);
	keeper_free(synfwd->keeper);
	sd_event_unref(synfwd->event);
	cleanup_fd(&synfwd->instance_fd);
	paths_done(&synfwd->paths);
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	return sd_event_exit(sd_event_source_get_event(source), EXIT_DONE);
}

static int begin_loop(struct synfwd *synfwd, struct fault *fault)
{
	static const int signals[] = {SIGTERM, SIGINT};
	sigset_t set;
	size_t i;
	int err;

	sigemptyset(&set);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	err = sd_event_new(&synfwd->event);
	for (i = 0; err >= 0 && i < sizeof(signals) / sizeof(*signals); i++)
		err = sd_event_add_signal(synfwd->event, NULL, signals[i], on_signal, NULL);
	if (err >= 0)
		err = sd_event_set_watchdog(synfwd->event, true);
	if (err >= 0)
		err = keeper_create(synfwd->event, &synfwd->paths, synfwd->instance_fd,
				    &synfwd->keeper);
	return err < 0 ? fault_system(fault, err, "cannot wait for events") : 0;
}

static int run(struct synfwd *synfwd, struct fault *fault)
{
	size_t i;
	int err;

	err = privileges_check("keep a policy current", fault);
	if (!err)
		err = paths_init(fault, &synfwd->paths);
	if (!err)
		err = instance_acquire(&synfwd->paths, fault, &synfwd->instance_fd);
	if (!err)
		err = begin_loop(synfwd, fault);
	for (i = 0; !err && i < NR_SOURCES; i++)
		err = sources[i]->open(synfwd->event, synfwd->keeper, fault, &synfwd->states[i]);
	if (err)
		return err;
	sd_notify(0, "READY=1");
	err = sd_event_loop(synfwd->event);
	sd_notify(0, "STOPPING=1");
	return err < 0 ? fault_system(fault, err, "cannot wait for events") : 0;
}

static int help(void)
{
	puts("usage: synfwd\n\n"
	     "Keep current which addresses are never scored or blocked: gateways, name\n"
	     "servers, DHCP servers and this host's own; and free what an apply has replaced. It\n"
	     "stays in the foreground and ends with SIGTERM; the policy in force stays in force\n"
	     "without it.\n\n"
	     "  -h, --help     explain it\n"
	     "  -V, --version  print its version\n\n"
	     "See synfwd(8).");
	return EXIT_DONE;
}

static int version(void)
{
	printf("synfwd %s (ABI %d)\n", SYNFW_VERSION, SYNFW_ABI_VERSION);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	CLEANUP(synfwd_done) struct synfwd synfwd = {.instance_fd = -1};
	CLEANUP(fault_done) struct fault fault = {0};
	const char *word = argc > 1 ? argv[1] : NULL;

	libbpf_set_print(NULL);
	if (word && argc == 2 && (!strcmp(word, "-h") || !strcmp(word, "--help")))
		return help();
	if (word && argc == 2 && (!strcmp(word, "-V") || !strcmp(word, "--version")))
		return version();
	if (word) {
		ui_error("synfwd takes no argument \"%s\"; see `synfwd --help`", word);
		return EXIT_USAGE;
	}
	return run(&synfwd, &fault) ? ui_fault(&fault) : EXIT_DONE;
}
