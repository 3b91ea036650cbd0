/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef POLICYC_H
#define POLICYC_H

/*
 * policyc: text in, image and diagnostics out. No kernel, no root, no logging, no globals; reads
 * files only through the loader it is given. The same input gives the same bytes.
 */
#include <sys/types.h>

#include "diag.h"
#include "image.h"
#include "model.h"

/* Reads a whole file. Returns 0 and a malloc'd text (the caller frees), its length in bytes and
 * modification time (CLOCK_REALTIME, ns), or -errno. `path` is already resolved against the
 * directory of the policy. */
typedef int (*policyc_load_fn)(void *context, const char *path, char **ret_text, size_t *ret_length,
			       uint64_t *ret_mtime_ns);

/* What an absolute path leads to: without links, "." and "..", as far as there is something; what
 * is not there stays as it is. Returns 0 and a malloc'd path, or -errno: it is taken as it is
 * written. */
typedef int (*policyc_resolve_fn)(void *context, const char *path, char **ret_path);

/* A file that is read once, from its beginning to its end. */
struct policyc_stream {
	/* At most `room` bytes (not 0): how many they are, 0 at the end, or -errno. */
	ssize_t (*read)(struct policyc_stream *stream, char *buffer, size_t room);
	void (*close)(struct policyc_stream *stream);
	uint64_t bytes;	   /* that are left, as far as is known: how much room to make */
	uint64_t mtime_ns; /* CLOCK_REALTIME */
	int fd;		   /* the reader's, as the next two */
	char *text;
	size_t at;
};

/* Returns 0 and a stream (the caller calls its `close`), or -errno. `path` as for
 * policyc_load_fn. */
typedef int (*policyc_open_fn)(void *context, const char *path, struct policyc_stream *ret_stream);

struct policyc_loader {
	policyc_load_fn load; /* /etc/services, /etc/passwd and /etc/group for names */
	policyc_open_fn open; /* set files; NULL: they are loaded */
	void *context;
	uint64_t now_ns;	    /* CLOCK_REALTIME, for max-age; 0: ages are not judged */
	policyc_resolve_fn resolve; /* of paths in rules on processes; NULL: not resolved */
};

/* Those that read from the file system; regular files only, at most 1 GiB. One that shrinks
 * meanwhile is read as far as it goes; what is appended is not read. */
int policyc_load_file(void *context, const char *path, char **ret_text, size_t *ret_length,
		      uint64_t *ret_mtime_ns);
int policyc_open_file(void *context, const char *path, struct policyc_stream *ret_stream);

/* The resolver of this host's file system, as far as the caller may look. */
int policyc_resolve_path(void *context, const char *path, char **ret_path);

/*
 * Parses and resolves a policy. `file` is its name for messages and the base of relative paths.
 * `text` must outlive `diags`. All errors of the text are reported in one run.
 * Returns 0 and the policy (policy_free), -EINVAL when diags_errors(diags) > 0, or another -errno
 * for a system failure (-ENOMEM).
 */
int policyc_parse(const char *file, const char *text, size_t length,
		  const struct policyc_loader *loader, struct diags *diags,
		  struct policy **ret_policy);

/* An interface that the policy will be attached to, and its slot (1 to SYNFW_MAX_INTERFACES). */
struct policyc_interface {
	const char *name;
	uint32_t slot;
};

/* What `protect: infrastructure` means on this host; empty for `check`. Borrowed; the lists must be
 * normalised (prefix_list_normalise). */
struct policyc_infrastructure {
	const struct prefix_list *gateways;  /* ICMP from them is protected */
	const struct prefix_list *resolvers; /* DNS replies from them are protected */
};

struct policyc_options {
	const struct policyc_interface *interfaces;
	size_t nr_interfaces;
	struct policyc_infrastructure infrastructure;
	/* Programs that no rule acts on; NULL: none. Borrowed. */
	const struct path_list *protected_programs;
	uint64_t max_table_bytes; /* 0: SYNFW_MAX_TABLE_BYTES */
	/* One that policyc_compile made of another policy, what was filled in or appended since
	 * included, or NULL. Borrowed. Parts that would be the same are copied from it; the new one is
	 * byte for byte as without it. Only `lines` and `nr_lines` are read. */
	const struct image *before;
};

/*
 * Compiles a parsed policy. Adds warnings for rules that an earlier rule covers, and an error with
 * the estimate when the tables would not fit. Returns 0 and the image (image_free), -EINVAL when
 * an error was added, or -ENOMEM.
 */
int policyc_compile(const struct policy *policy, const struct policyc_options *options,
		    struct diags *diags, struct image **ret_image);

#endif
