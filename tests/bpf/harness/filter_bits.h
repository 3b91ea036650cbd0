/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SYNFW_TEST_FILTER_BITS_H
#define SYNFW_TEST_FILTER_BITS_H

/* The filters in front of hash maps, see <synfw/state.h>, by the file descriptor of one of them and
 * of synfw_runtime, which has the seed. `words`: SYNFW_*_FILTER_WORDS. */
#include <stdbool.h>
#include <stdint.h>

#include <synfw/state.h>

/* What there is of an address's bits: its own, that of the summary, that there are any. */
struct filter_bits {
	bool own, summary, any;
};

struct filter_bits filter_bits_of(int filter_fd, int runtime_fd, uint32_t words,
				  const struct synfw_addr6 *address);

/* Sets those that *bits names, and clears the others of the three: also of other addresses. */
void filter_bits_put(int filter_fd, int runtime_fd, uint32_t words,
		     const struct synfw_addr6 *address, const struct filter_bits *bits);

/* Sets all three. */
void filter_bits_set(int filter_fd, int runtime_fd, uint32_t words,
		     const struct synfw_addr6 *address);

#endif
