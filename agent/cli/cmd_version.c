/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* synfw version */
#include <stdio.h>
#include <sys/utsname.h>

#include <bpf/libbpf.h>

#include <synfw/abi.h>
#include <synfw/cleanup.h>

#include "base/json.h"
#include "command.h"
#include "datapath/object.h"
#include "report/report.h"

int cmd_version(const struct invocation *invocation)
{
	CLEANUP(json_decrefp) json_t *root = NULL;
	struct utsname host = {0};
	char digest[17];

	uname(&host);
	snprintf(digest, sizeof(digest), "%016llx", (unsigned long long)object_digest());
	if (!option_given(invocation, "json")) {
		printf("synfw %s (ABI %d, program %s, libbpf %s, Linux %s)\n", SYNFW_VERSION,
		       SYNFW_ABI_VERSION, digest, libbpf_version_string(), host.release);
		return EXIT_DONE;
	}
	/* clang-format off */
	root = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}",
			 "schema", "synfw.version/1",
			 "version", SYNFW_VERSION,
			 "abi", SYNFW_ABI_VERSION,
			 "program", digest,
			 "libbpf", libbpf_version_string(),
			 "kernel", host.release);
	/* clang-format on */
	return report_print_json(root);
}
