/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix.h"

#include <sha2.h>
#include <stdio.h>

void prefix_list_digest(const struct prefix_list *list, char ret_text[PREFIX_DIGEST_SIZE])
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	SHA2_CTX context;

	SHA256Init(&context);
	for (size_t i = 0; i < list->nr_v4; i++) {
		SHA256Update(&context, (const uint8_t *)&list->v4[i].addr, 4);
		SHA256Update(&context, &list->v4[i].prefixlen, 1);
	}
	for (size_t i = 0; i < list->nr_v6; i++) {
		SHA256Update(&context, list->v6[i].addr, 16);
		SHA256Update(&context, &list->v6[i].prefixlen, 1);
	}
	SHA256Final(hash, &context);
	for (int i = 0; i < PREFIX_DIGEST_SIZE / 2; i++)
		sprintf(ret_text + 2 * i, "%02x", hash[i]);
}
