/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TESTS_BPF_PROCESS_TRIAL_H
#define TESTS_BPF_PROCESS_TRIAL_H

/*
 * The process programs, attached, with rules that match nothing but what a test puts into a
 * directory of its own: the machine's other processes are judged, too. Aborts on a failure that no
 * test expects; the programs go with the process.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/process_by_hand.h"

#define TRIAL_KILLED (128 + 9)
#define TRIAL_DENIED 120 /* it was not executed, for EPERM; 127: for anything else */

struct trial {
	struct synfw_process_bpf *bpf;
	struct ring_buffer *ring;
	uint32_t slot;
	uint64_t serial;
	char directory[64];
	int host_mounts; /* the mount namespace that the test was started in */
	int others;	 /* the program, locked while there is a trial with it */
	/* the last event of a process below the directory, and how many there were */
	struct synfw_process_event event;
	uint32_t nr_events;
};

/* `program`: what trial_copy() copies. `max_processes`: 0 for what the object says. Afterwards the
 * process has a mount namespace of its own. */
void trial_open(struct trial *trial, const char *program, uint32_t max_processes);
/* The same, in other words. */
struct trial_object {
	uint32_t max_processes, event_bytes; /* 0: what the object says */
	/* programs that the test attaches or runs itself, besides those of exec, fork and exit and
	 * what trials run (fill, identify, find_host, release): NULL ends them; or NULL */
	const char *const *programs;
	/* programs of BPF LSM, which are not loaded by default, to be attached: NULL ends them;
	 * or NULL. With `functions` each as a fmod_ret program at that function instead. */
	const char *const *lsm;
	const char *const *functions;
};
/* Makes it one whose programs deny an exec: by "lsm", or by "fmod_ret". */
void trial_object_denies(struct trial_object *object, const char *by);
void trial_open_with(struct trial *trial, const char *program, const struct trial_object *object);
void trial_close(struct trial *trial);
/* Waits until no other process has a trial with this program, and keeps others waiting, until it is
 * called with false. For what every rule on a directory matches, those of other tests too. */
void trial_alone(const struct trial *trial, bool alone);

/* Which mount namespace the programs take for the host's; -1: none that they know. It is
 * host_mounts at first, and not the one that the test is in. */
void trial_tell_host_mounts(const struct trial *trial, int namespace_fd);

/* Puts the rules in force. `head`: scoring and mode, or NULL. */
void trial_apply(struct trial *trial, const struct rule_spec *rules, uint32_t nr_rules,
		 const struct synfw_process_head *head);
/* The same in two halves. */
void trial_stage(struct trial *trial, const struct rule_spec *rules, uint32_t nr_rules,
		 const struct synfw_process_head *head);
void trial_switch(struct trial *trial);

/* Runs the iterator over all tasks for the staged or, after the switch, for the active slot. */
void trial_fill(struct trial *trial, uint32_t slot);
/* Runs it to end the isolation of all. */
void trial_release(struct trial *trial);

/* DIRECTORY/NAME. Valid until 16 further calls. */
char *trial_path(const struct trial *trial, const char *name);
/* Makes DIRECTORY/NAME a copy of the program, and says its path. */
char *trial_copy(const struct trial *trial, const char *name);

/* What becomes of a child that calls `become`, which executes something: its exit status, 128 + the
 * signal, TRIAL_DENIED. */
int trial_child(void (*become)(const struct trial *trial), const struct trial *trial);
/* What that child does when it comes back: exits, by errno. */
void trial_not_executed(void);
/* The same for a path and up to three arguments behind argv[0]; NULL ends them. */
int trial_run(const char *path, const char *one, const char *two, const char *three);
/* A child that executes argv[0]. */
pid_t trial_spawn(const char *const *argv);
/* A child that executes `path`, has run its first instruction and waits until `ret_let_go` is
 * closed. */
pid_t trial_spawn_waiting(const char *path, int *ret_let_go);
/* The same for another letter of test_first_action with which it waits. */
pid_t trial_spawn_waiting_with(const char *path, const char *letter, int *ret_let_go);
/* Waits for it: exit status, 128 + the signal. */
int trial_finish(pid_t child);
/* Whether a program that is executed makes DIRECTORY/made, which it does first. */
bool trial_makes_file(const struct trial *trial, const char *path);

uint64_t trial_matches(const struct trial *trial, uint32_t rule);
uint64_t trial_would(const struct trial *trial, uint32_t rule);
uint64_t trial_tally(const struct trial *trial, enum synfw_process_tally tally);
bool trial_process(const struct trial *trial, pid_t pid, struct synfw_process *ret_process);
/* Of this process, which has an entry. */
void trial_set_flags(const struct trial *trial, uint32_t flags);
void trial_read_events(struct trial *trial);

#endif
