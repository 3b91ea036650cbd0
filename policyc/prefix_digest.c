/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "prefix.h"

#include <string.h>

#include <nettle/base16.h>
#include <nettle/sha2.h>

/* Address and length of each prefix, in the list's order. Collected first: a call of the hash for
 * each few bytes would take longer than the hash. */
struct digest {
	struct sha256_ctx context;
	uint8_t bytes[4096];
	size_t length;
};

static void digest_flush(struct digest *digest)
{
	sha256_update(&digest->context, digest->length, digest->bytes);
	digest->length = 0;
}

static void digest_add(struct digest *digest, const void *addr, size_t size, uint8_t prefixlen)
{
	if (digest->length + size + 1 > sizeof(digest->bytes))
		digest_flush(digest);
	memcpy(digest->bytes + digest->length, addr, size);
	digest->length += size;
	digest->bytes[digest->length++] = prefixlen;
}

void prefix_list_digest(const struct prefix_list *list, char ret_text[PREFIX_DIGEST_SIZE])
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct digest digest;

	sha256_init(&digest.context);
	digest.length = 0;
	for (size_t i = 0; i < list->nr_v4; i++)
		digest_add(&digest, &list->v4[i].addr, 4, list->v4[i].prefixlen);
	for (size_t i = 0; i < list->nr_v6; i++)
		digest_add(&digest, list->v6[i].addr, 16, list->v6[i].prefixlen);
	digest_flush(&digest);
	sha256_digest(&digest.context, sizeof(hash), hash);
	base16_encode_update(ret_text, PREFIX_DIGEST_SIZE / 2, hash);
	ret_text[PREFIX_DIGEST_SIZE - 1] = '\0';
}
