/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs every policy of a directory through policyc and compares what it says, byte for byte, with
 * NAME.expected. Arguments: reject | warn | accept, the directory.
 *
 *   reject  policyc refuses it; expected are the diagnostics
 *   warn    policyc takes it; expected are the diagnostics
 *   accept  policyc takes it and says nothing; expected is the policy as it was understood
 *
 * Files that a case refers to lie beside it, with those of /etc; each is 48 hours old. Of paths
 * only /link is a link, to /real/file.
 * With GOLDEN_UPDATE=1 in the environment the expected files are written instead.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <policyc.h>
#include <synfw/cleanup.h>

#include "dump.h"

#define HOUR_NS 3600000000000ULL
#define NOW_NS	(1000 * HOUR_NS)

struct expectation {
	const char *word;
	bool accepted, silent;
};

static const struct expectation expectations[] = {
	{"reject", false, false},
	{"warn", true, false},
	{"accept", true, true},
};

#define MTIME_NS (NOW_NS - 48 * HOUR_NS)

static void in_directory(void *context, const char *path, char *out, size_t size)
{
	snprintf(out, size, "%s/%s", (const char *)context,
		 strncmp(path, "/etc/", 5) ? path : path + 5);
}

static int load(void *context, const char *path, char **ret_text, size_t *ret_length,
		uint64_t *ret_mtime_ns)
{
	char resolved[4096];
	int err;

	in_directory(context, path, resolved, sizeof(resolved));
	err = policyc_load_file(NULL, resolved, ret_text, ret_length, ret_mtime_ns);
	if (!err)
		*ret_mtime_ns = MTIME_NS;
	return err;
}

static int open_stream(void *context, const char *path, struct policyc_stream *ret_stream)
{
	char resolved[4096];
	int err;

	in_directory(context, path, resolved, sizeof(resolved));
	err = policyc_open_file(NULL, resolved, ret_stream);
	if (!err)
		ret_stream->mtime_ns = MTIME_NS;
	return err;
}

static int resolve(void *context, const char *path, char **ret_path)
{
	bool link = !strncmp(path, "/link", 5) && (!path[5] || path[5] == '/');

	return asprintf(ret_path, "%s%s", link ? "/real/file" : "", link ? path + 5 : path) < 0
		       ? -ENOMEM
		       : 0;
}

static int compile(const struct policy *policy, struct diags *diags)
{
	static const struct policyc_interface interfaces[] = {{"eth0", 1}, {"eth1", 2}};
	const struct policyc_options options = {
		.interfaces = interfaces,
		.nr_interfaces = 2,
	};
	struct image *image = NULL;
	int err = policyc_compile(policy, &options, diags, &image);

	image_free(image);
	return err;
}

/* Runs the compiler over one text. Returns what is to be compared, NULL on a system failure. */
static char *run(const char *directory, const char *file, const char *text, size_t length,
		 bool dump, bool *ret_accepted)
{
	const struct policyc_loader loader = {.load = load,
					      .open = open_stream,
					      .context = (void *)directory,
					      .now_ns = NOW_NS,
					      .resolve = resolve};
	CLEANUP(diags_freep) struct diags *diags = diags_new();
	CLEANUP(policy_freep) struct policy *policy = NULL;
	char *output = NULL;
	size_t size;
	FILE *stream = open_memstream(&output, &size);
	int err;

	if (!diags || !stream)
		return NULL;
	err = policyc_parse(file, text, length, &loader, diags, &policy);
	if (!err)
		err = compile(policy, diags);
	if ((err == -EINVAL) != (diags_errors(diags) > 0))
		fprintf(stream, "returned %d with %zu errors\n", err, diags_errors(diags));
	diags_print(diags, stream, false);
	if (!err && dump)
		dump_policy(policy, stream);
	fclose(stream);
	*ret_accepted = !err;
	return output;
}

static bool write_expected(const char *path, const char *output)
{
	FILE *file = fopen(path, "w");
	bool written = file && fputs(output, file) >= 0;

	return file && !fclose(file) && written;
}

/* Returns whether the case is as it should be. */
static bool check_case(const struct expectation *expectation, const char *directory,
		       const char *file)
{
	CLEANUP(cleanup_free) char *text = NULL, *wanted = NULL, *output = NULL;
	char path[4096], expected[4096];
	size_t length, wanted_length;
	uint64_t mtime_ns;
	bool accepted = false;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	snprintf(expected, sizeof(expected), "%.*s.expected", (int)(strlen(path) - 5), path);
	if (policyc_load_file(NULL, path, &text, &length, &mtime_ns)) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return false;
	}
	output = run(directory, file, text, length, expectation->silent, &accepted);
	if (!output || accepted != expectation->accepted) {
		fprintf(stderr, "%s: %s, but should not be:\n%s", path,
			accepted ? "accepted" : "refused", output ? output : "");
		return false;
	}
	if (getenv("GOLDEN_UPDATE"))
		return write_expected(expected, output);
	if (policyc_load_file(NULL, expected, &wanted, &wanted_length, &mtime_ns)) {
		fprintf(stderr, "%s: cannot be read\n", expected);
		return false;
	}
	if (!*output || strcmp(output, wanted)) {
		fprintf(stderr, "%s: expected\n%s\ngot\n%s\n", path, wanted, output);
		return false;
	}
	return true;
}

static int is_policy(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && !strcmp(entry->d_name + length - 5, ".yaml");
}

int main(int argc, char **argv)
{
	const struct expectation *expectation = NULL;
	struct dirent **cases;
	int count, failed = 0;

	for (size_t i = 0; argc == 3 && i < sizeof(expectations) / sizeof(expectations[0]); i++)
		if (!strcmp(argv[1], expectations[i].word))
			expectation = &expectations[i];
	if (!expectation) {
		fprintf(stderr, "usage: golden reject|warn|accept DIRECTORY\n");
		return 2;
	}
	count = scandir(argv[2], &cases, is_policy, alphasort);
	if (count <= 0) {
		fprintf(stderr, "%s: no cases\n", argv[2]);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		failed += !check_case(expectation, argv[2], cases[i]->d_name);
		free(cases[i]);
	}
	free(cases);
	printf("%d cases, %d failed\n", count, failed);
	return failed ? 1 : 0;
}
