/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BOMB_H
#define BOMB_H

/* What the processes of a fork bomb inherit: memory that all share, and the end of a pipe that
 * nobody writes to. */
enum { TALLY_FD = 10, GATE_FD = 11 };

struct tally {
	_Atomic unsigned int alive, refused;
};

#endif
