/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * `on-peer-block`: which processes are noted as they talk with a source, from the sockets that are
 * open, and flagged when user space says that it is blocked. In a network namespace of the test's
 * own. Argument: test_first_action.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include <synfw/talk.h>

#include "base/claims.h"
#include "base/must.h"
#include "harness/process_sockets.h"
#include "harness/process_trial.h"

#define NR_CHILDREN 6

static struct trial trial;
static char *victim, *other;

static int map_fd(const char *name)
{
	return bpf_object__find_map_fd_by_name(trial.bpf->obj, name);
}

static bool find_talk(const char *address, struct synfw_talk *ret_talk)
{
	const struct synfw_addr6 key = sockets_key(address);

	return bpf_map_lookup_elem(map_fd("synfw_talks"), &key, ret_talk) == 0;
}

static bool is_noted(const struct synfw_talk *talk, pid_t pid)
{
	for (int i = 0; i < SYNFW_TALKERS; i++)
		if (talk->talker[i].pid == (uint32_t)pid)
			return true;
	return false;
}

/* As user space does when it has blocked the source. */
static void flag_talkers(const char *address)
{
	const struct synfw_addr6 key = sockets_key(address);
	uint64_t halves[2];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = halves, .ctx_size_in = sizeof(halves));

	memcpy(halves, &key, sizeof(halves));
	MUST(bpf_prog_test_run_opts(bpf_program__fd(trial.bpf->progs.synfw_flag_talkers), &opts) ==
	     0);
}

static uint32_t flags_of(pid_t pid)
{
	struct synfw_process process;

	MUST(trial_process(&trial, pid, &process));
	return process.flags;
}

static int compare_pids(const void *left, const void *right)
{
	pid_t a = *(const pid_t *)left, b = *(const pid_t *)right;

	return (a > b) - (a < b);
}

/* This process may be among those that are flagged, and its children would be, too. */
static void forget_own_flags(void)
{
	const uint32_t pid = getpid();
	struct synfw_process process;

	if (!trial_process(&trial, pid, &process))
		return;
	process.flags = 0;
	MUST(bpf_map_update_elem(map_fd("synfw_processes"), &pid, &process, BPF_ANY) == 0);
}

/* All of them have the test's sockets. In the order of their numbers, in which the iterator meets
 * them: numbers begin anew at times. */
static void begin_children(pid_t *children, int *let_go)
{
	forget_own_flags();
	for (int i = 0; i < NR_CHILDREN; i++)
		children[i] = trial_spawn_waiting(victim, &let_go[i]);
	qsort(children, NR_CHILDREN, sizeof(*children), compare_pids);
}

/* Is it one of the last that the iterator meets? This process has the sockets, too. */
static bool is_among_last(const pid_t *children, int i)
{
	int after = NR_CHILDREN - 1 - i + (getpid() > children[i]);

	return after < SYNFW_TALKERS;
}

static bool end_children(const pid_t *children, const int *let_go)
{
	bool well = true;

	for (int i = 0; i < NR_CHILDREN; i++)
		close(let_go[i]);
	for (int i = 0; i < NR_CHILDREN; i++)
		well &= trial_finish(children[i]) == 0;
	sockets_close();
	return well;
}

/* With a rule that none of them matches. */
static void apply_on_peer_block(bool monitor, bool asked_for)
{
	const struct rule_spec rule = {.match = {.exec = {other}}, .action = SYNFW_PROCESS_FLAG};
	const struct synfw_process_head head = {.monitor = monitor, .on_peer_block = asked_for};

	trial_apply(&trial, &rule, 1, &head);
}

static bool the_last_processes_of_a_source_are_noted_and_flagged(void)
{
	const struct synfw_addr6 key = sockets_key("198.51.100.9");
	int let_go[NR_CHILDREN], i;
	struct synfw_process process;
	pid_t children[NR_CHILDREN];
	struct synfw_talk talk;

	sockets_open(AF_INET, "198.51.100.9");
	sockets_open(AF_INET6, "::1");
	apply_on_peer_block(false, true);
	begin_children(children, let_go);
	EXPECT(!find_talk("198.51.100.9", &talk));
	trial_fill(&trial, trial.slot);
	EXPECT(find_talk("198.51.100.9", &talk) && !find_talk("::1", &talk));
	flag_talkers("198.51.100.8");
	for (i = 0; i < NR_CHILDREN; i++) {
		EXPECT(is_noted(&talk, children[i]) == is_among_last(children, i));
		EXPECT(!flags_of(children[i]));
	}
	flag_talkers("198.51.100.9");
	for (i = 0; i < NR_CHILDREN; i++)
		EXPECT(!!flags_of(children[i]) == is_noted(&talk, children[i]));
	EXPECT(trial_process(&trial, children[NR_CHILDREN - 1], &process) &&
	       process.flags == (SYNFW_PROCESS_FLAGGED | SYNFW_PROCESS_TALKED) &&
	       !memcmp(&process.talked_with, &key, sizeof(key)));
	EXPECT(end_children(children, let_go));
	return true;
}

/* What user space never does. */
static void change_talk(const char *address, const struct synfw_talk *talk)
{
	const struct synfw_addr6 key = sockets_key(address);

	MUST(bpf_map_update_elem(map_fd("synfw_talks"), &key, talk, BPF_ANY) == 0);
}

static bool old_notes_and_those_of_other_prefixes_do_not_count(void)
{
	int let_go[NR_CHILDREN];
	pid_t children[NR_CHILDREN], last;
	struct synfw_talk talk, other_one;

	sockets_open(AF_INET, "198.51.100.9");
	apply_on_peer_block(false, true);
	begin_children(children, let_go);
	last = children[NR_CHILDREN - 1];
	trial_fill(&trial, trial.slot);
	EXPECT(find_talk("198.51.100.9", &talk) && is_noted(&talk, last));
	other_one = talk;
	for (int i = 0; i < SYNFW_TALKERS; i++)
		other_one.talker[i].seen_boot_ns -= SYNFW_TALK_NS + 5 * SYNFW_TALK_STEP_NS;
	change_talk("198.51.100.9", &other_one);
	flag_talkers("198.51.100.9");
	EXPECT(!flags_of(last));
	other_one = talk;
	other_one.ipv6_prefixlen = 48;
	change_talk("198.51.100.9", &other_one);
	flag_talkers("198.51.100.9");
	EXPECT(!flags_of(last));
	/* noted anew */
	trial_fill(&trial, trial.slot);
	EXPECT(find_talk("198.51.100.9", &talk) && !talk.ipv6_prefixlen && is_noted(&talk, last));
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last));
	EXPECT(end_children(children, let_go));
	return true;
}

/* More sources than there is room for: who talks now is noted, and flagged, all the same. */
static bool a_full_map_of_talks_forgets_the_oldest(void)
{
	uint32_t count = SYNFW_MAX_TALKS + 1024, sent = count;
	struct synfw_addr6 *sources = calloc(count, sizeof(*sources));
	struct synfw_talk *talks = calloc(count, sizeof(*talks));
	int let_go[NR_CHILDREN];
	pid_t children[NR_CHILDREN], last;
	struct synfw_talk talk;

	MUST(sources && talks);
	for (uint32_t i = 0; i < count; i++) {
		sources[i] = sockets_key("203.0.113.1");
		memcpy(sources[i].byte + 12, &i, sizeof(i));
	}
	MUST(bpf_map_update_batch(map_fd("synfw_talks"), sources, talks, &sent, NULL) == 0 &&
	     sent == count);
	sockets_open(AF_INET, "198.51.100.9");
	apply_on_peer_block(false, true);
	begin_children(children, let_go);
	last = children[NR_CHILDREN - 1];
	trial_fill(&trial, trial.slot);
	EXPECT(find_talk("198.51.100.9", &talk) && is_noted(&talk, last));
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last) == (SYNFW_PROCESS_TALKED | SYNFW_PROCESS_FLAGGED));
	EXPECT(end_children(children, let_go));
	free(sources);
	free(talks);
	return true;
}

static bool processes_are_flagged_in_mode_block_only_and_where_it_is_asked_for(void)
{
	int let_go[NR_CHILDREN];
	pid_t children[NR_CHILDREN], last;

	sockets_open(AF_INET, "198.51.100.9");
	apply_on_peer_block(true, true);
	begin_children(children, let_go);
	last = children[NR_CHILDREN - 1];
	trial_fill(&trial, trial.slot);
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last) == SYNFW_PROCESS_TALKED_MONITOR);
	apply_on_peer_block(false, false);
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last) == SYNFW_PROCESS_TALKED_MONITOR);
	apply_on_peer_block(false, true);
	flag_talkers("198.51.100.9");
	EXPECT(flags_of(last) ==
	       (SYNFW_PROCESS_TALKED_MONITOR | SYNFW_PROCESS_TALKED | SYNFW_PROCESS_FLAGGED));
	EXPECT(end_children(children, let_go));
	return true;
}

int main(int argc, char **argv)
{
	static const char *const programs[] = {"synfw_flag_talkers", NULL};
	const struct trial_object object = {.max_processes = 4096, .programs = programs};

	MUST(argc == 2);
	trial_open_with(&trial, argv[1], &object);
	sockets_begin();
	victim = strdup(trial_copy(&trial, "victim"));
	other = strdup(trial_copy(&trial, "other"));
	CHECK(the_last_processes_of_a_source_are_noted_and_flagged);
	CHECK(old_notes_and_those_of_other_prefixes_do_not_count);
	CHECK(a_full_map_of_talks_forgets_the_oldest);
	CHECK(processes_are_flagged_in_mode_block_only_and_where_it_is_asked_for);
	trial_close(&trial);
	return claims_end();
}
