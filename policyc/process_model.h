/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_PROCESS_MODEL_H
#define POLICYC_PROCESS_MODEL_H

/*
 * What a policy says about programs and memory: the sections `processes`, `memory` and
 * `process-scoring`, and the tests of programs. Part of model.h, where policy_free() is.
 *
 * "The file that runs" is the resolved path of the executable of a process (exe_file of its mm):
 * what the kernel opened, never what execve was given. A `#!` script counts as its interpreter.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <synfw/process.h>

#include "diag.h"

enum path_kind {
	PATH_EXACT = SYNFW_PATH_EXACT,	/* /usr/bin/nc: that file */
	PATH_UNDER = SYNFW_PATH_PREFIX, /* /dir and two stars: every file below, at any depth */
	PATH_NAME =
		SYNFW_PATH_SUFFIX, /* two stars and /a/b: files whose last components are these */
	PATH_MEMFD = SYNFW_PATH_MEMFD, /* memfd: a file that memfd_create made */
};

/*
 * One pattern. `path` is what the path of the file that runs is compared with, 1 to
 * SYNFW_MAX_PATTERN bytes, without ".", ".." or empty components:
 *
 *   PATH_EXACT  /usr/bin/nc   the path is equal
 *   PATH_UNDER  /dir/         the path begins with it and is longer; "/" is every file
 *   PATH_NAME   /nc           the path ends with it
 *   PATH_MEMFD  empty         the file is a memfd, which no other kind matches
 */
struct path_pattern {
	enum path_kind kind;
	char *path;
	uint32_t length; /* strlen(path) */
	bool resolved;	 /* not written: what the pattern before it that is not resolved is on
			  * this host, a further alternative */
};

/* Alternatives. Each kind and path stands there once. */
struct path_list {
	struct path_pattern *pattern;
	size_t count;
};

/* User or group ids. Not negated: one of these; negated: none of these. */
struct id_match {
	bool negated;
	uint32_t *id;
	size_t count;
};

/* Up to SYNFW_MAX_RULE_ARGS texts of 1 to SYNFW_MAX_ARG_BYTES bytes, each there once, of which any,
 * or all, stand among argv[1], argv[2] ... as whole arguments. */
struct args_match {
	bool all;
	char **arg;
	size_t count;
};

enum process_key {
	PROCESS_EXEC = 1 << 0,
	PROCESS_PARENT = 1 << 1,
	PROCESS_ANCESTOR = 1 << 2,
	PROCESS_USER = 1 << 3,
	PROCESS_GROUP = 1 << 4,
	PROCESS_ARGS = 1 << 5,
};

/*
 * What a rule or an `except` matches: a process for which every key in `keys` matches; the values
 * of one key are alternatives. keys == 0 matches every process; only memory rules are written so.
 */
struct process_match {
	uint32_t keys;		   /* PROCESS_*; the fields of the others are empty */
	struct path_list exec;	   /* the file that runs */
	struct path_list parent;   /* the file that the parent runs */
	struct path_list ancestor; /* the file that any ancestor runs, the parent included */
	struct id_match user;	   /* the effective user after the exec */
	struct id_match group; /* the effective group after the exec and the supplementary ones */
	struct args_match args;
};

enum peers_kind {
	PEERS_NONE,
	PEERS_BLOCK,
	PEERS_SCORE,
};

/* What happens to the remote addresses of the process's connections, those it has and those it
 * opens later. */
struct peers_effect {
	enum peers_kind kind;
	uint64_t block_ns; /* PEERS_BLOCK */
	uint32_t score;	   /* PEERS_SCORE: 1 to SYNFW_MAX_SCORE, for `scoring` */
};

/* What a process or memory rule does when it matches. */
struct process_outcome {
	enum synfw_process_action action;
	/* What becomes of DENY where no exec can be made to fail, and of ISOLATE where not all
	 * calls on sockets can be: KILL, FLAG, or, of ISOLATE, the same without that. Where none
	 * was written it is the action, and such a kernel is not given the policy. */
	enum synfw_process_action fallback;
	bool has_fallback;
	uint32_t score; /* SYNFW_PROCESS_SCORE: 1 to SYNFW_MAX_SCORE */
	bool monitor;	/* counts what it would do, and goes on to the next */
	struct peers_effect peers;
};

/* In order: the first with an action decides (flag decides, too); those with a score add to it. */
struct process_rule {
	char *name;		    /* no packet, process or memory rule shares it */
	char *description;	    /* or NULL */
	struct location at;	    /* of the name's value */
	struct process_match match; /* at least one key */
	bool has_except;
	struct process_match except; /* does not match what matches here */
	struct process_outcome outcome;
};

/* In order within an event: the first with an action decides. */
struct memory_rule {
	char *name;
	char *description;		  /* or NULL */
	struct location at;		  /* of the name's value */
	enum synfw_process_trigger event; /* any but SYNFW_ON_EXEC */
	uint64_t over_bytes;		  /* ALLOCATION, GROWTH: 1 to 1 PiB; else 0 */
	uint64_t within_ns;		  /* GROWTH: at most a day; else 0 */
	struct process_match match;	  /* of EXEC, USER and GROUP, or none */
	bool has_except;
	struct process_match except;	/* any keys but ARGS */
	struct process_outcome outcome; /* not SYNFW_PROCESS_DENY */
};

/* An exec that a test asks about. Paths are absolute and what they resolve to on this host. */
struct process_spec {
	char *exec;	/* the file that runs; NULL: a memfd */
	char *parent;	/* the file that its parent runs; NULL: one that no pattern matches */
	char *ancestor; /* the same of one further ancestor */
	uint32_t uid;	/* effective; 0 when not written */
	uint32_t gid;	/* effective, and the only group */
	char **args;	/* argv[1], argv[2] ...; 4096 bytes with a NUL each */
	size_t nr_args;
};

struct process_test {
	struct location at;
	struct process_spec process;
	enum synfw_process_action expect; /* SYNFW_PROCESS_SCORE: "allow", no rule decides */
	char *rule;			  /* or NULL: any */
};

#endif
