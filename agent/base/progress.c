/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "ui.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t ended_now;
	pthread_t writer;
	const char *stage;
	bool running, ended;
} progress = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Writes without the lock: a terminal that is stopped (Ctrl-S) stops this thread only, until the
 * end. */
static void *write_progress(void *unused)
{
	struct timespec next;
	unsigned int seconds = 0;
	const char *stage;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&progress.lock);
	for (;;) {
		next.tv_sec++;
		while (!progress.ended &&
		       !pthread_cond_clockwait(&progress.ended_now, &progress.lock, CLOCK_MONOTONIC,
					       &next))
			;
		if (progress.ended)
			break;
		stage = progress.stage;
		pthread_mutex_unlock(&progress.lock);
		fprintf(stderr, "\r%s (%u s)\033[K", stage, ++seconds);
		pthread_mutex_lock(&progress.lock);
	}
	pthread_mutex_unlock(&progress.lock);
	if (seconds)
		fputs("\r\033[K", stderr);
	return NULL;
}

void progress_begin(const char *stage)
{
	sigset_t all, before;

	/* the terminal of another job is not to be drawn on */
	if (!ui_terminal(stderr) || tcgetpgrp(STDERR_FILENO) != getpgrp())
		return;
	progress.stage = stage;
	sigfillset(&all);
	pthread_cond_init(&progress.ended_now, NULL);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	progress.running = !pthread_create(&progress.writer, NULL, write_progress, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void progress_stage(const char *stage)
{
	pthread_mutex_lock(&progress.lock);
	progress.stage = stage;
	pthread_mutex_unlock(&progress.lock);
}

void progress_end(void)
{
	if (!progress.running)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.ended = true;
	pthread_cond_signal(&progress.ended_now);
	pthread_mutex_unlock(&progress.lock);
	pthread_join(progress.writer, NULL);
	progress.running = false;
}
