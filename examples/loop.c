// SPDX-License-Identifier: GPL-2.0-only
/*
 * An event loop that works for thousands of keys from one thread, by tickets
 *
 * A ticket is a descriptor that becomes readable when a wait has ended: here, that of a
 * caller for a key. Then either the caller leads, and is to do the work and to finish, or
 * somebody else has, and the result can be read. Nothing blocks, and there is no thread per
 * key. Here there are two requests for each key. Another process leads half of the keys at
 * first, finishes half of these, and is killed: one ticket for each of the rest becomes
 * readable then, as that of a leader.
 *
 *	loop [KEYS]
 */
#include <errno.h>
#include <muster.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS	64

struct request {
	int ticket;
	char key[16];
	char answer[32];
};

static unsigned int led, inherited, followed;

static int must(int ret, const char *what)
{
	if (ret >= 0)
		return ret;
	fprintf(stderr, "%s: %s\n", what, muster_strerror(ret));
	exit(1);
}

static int must_errno(int ret, const char *what)
{
	return must(ret < 0 ? -errno : ret, what);
}

/* ---- the loop ---- */

static void begin(struct request *request, int flight, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = request };

	request->ticket = must(muster_flight_join_async(flight, request->key,
							strlen(request->key), 0,
							MUSTER_FOREVER), "join");
	must_errno(epoll_ctl(epoll, EPOLL_CTL_ADD, request->ticket, &event), "epoll");
}

/* What the caller leads is finished through the ticket. It could take its time for it. */
static void lead(struct request *request, const struct muster_verdict *verdict)
{
	snprintf(request->answer, sizeof(request->answer), "the loop's %s", request->key);
	must(muster_flight_finish(request->ticket, request->key, strlen(request->key),
				  verdict->token, 0, request->answer,
				  strlen(request->answer)), "finish");
	if (verdict->attempt > 1)
		inherited++;
	else
		led++;
}

static void settle(struct request *request)
{
	struct muster_verdict verdict;

	memset(request->answer, 0, sizeof(request->answer));
	must(muster_ticket_read(request->ticket, &verdict, request->answer,
				sizeof(request->answer) - 1), "read");
	must(verdict.error, request->key);
	if (verdict.role == MUSTER_ROLE_LEADER)
		lead(request, &verdict);
	else
		followed++;
	close(request->ticket);
}

static void serve(struct request *requests, int nr, int flight, int other)
{
	int epoll = must_errno(epoll_create1(EPOLL_CLOEXEC), "epoll"), i, ready;
	struct epoll_event events[EVENTS];

	for (i = 0; i < nr; i++)
		begin(&requests[i], flight, epoll);
	must_errno(write(other, "", 1), "write");
	while (nr) {
		ready = must_errno(epoll_wait(epoll, events, EVENTS, -1), "epoll");
		for (i = 0; i < ready; i++, nr--)
			settle(events[i].data.ptr);
	}
	close(epoll);
}

/* ---- the other process ---- */

/* Leads @nr keys; when the loop waits for them it finishes half of them, and is killed. */
static void compete(const struct request *requests, int nr, int flight, int loop)
{
	struct muster_flight_join join;
	uint64_t token[nr];
	char answer[32];
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < nr; i++) {
		must(muster_flight_join(flight, requests[i].key, strlen(requests[i].key), 0,
					MUSTER_FOREVER, NULL, 0, &join), "join");
		token[i] = join.token;
	}
	must_errno(write(loop, "", 1), "write");
	must_errno(read(loop, answer, 1), "read");
	for (i = 0; i < nr / 2; i++) {
		snprintf(answer, sizeof(answer), "another's %s", requests[i].key);
		must(muster_flight_finish(flight, requests[i].key, strlen(requests[i].key),
					  token[i], 0, answer, strlen(answer)), "finish");
	}
	raise(SIGKILL);
}

/* Returns a socket to it. */
static int start_other(const struct request *requests, int nr, int flight)
{
	int ends[2];
	char byte;

	must_errno(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	if (!must_errno(fork(), "fork"))
		compete(requests, nr, flight, ends[1]);
	close(ends[1]);
	must_errno(read(ends[0], &byte, 1), "read");
	return ends[0];
}

/* Is each answer from whom it should be from? */
static int count_right(const struct request *requests, int keys)
{
	char answer[32];
	int i, right = 0;

	for (i = 0; i < 2 * keys; i++) {
		snprintf(answer, sizeof(answer), "%s %s",
			 i % keys < keys / 4 ? "another's" : "the loop's", requests[i].key);
		right += !strcmp(requests[i].answer, answer);
	}
	return right;
}

int main(int argc, char **argv)
{
	int keys = argc > 1 ? atoi(argv[1]) : 5000, flight, status, i;
	struct request *requests = calloc(2 * keys, sizeof(*requests));
	struct rlimit files;

	if (keys < 4 || !requests)
		must(-EINVAL, "keys");
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	flight = must(muster_flight_open(NULL, 0, 0, 0, 0), "flight");
	for (i = 0; i < 2 * keys; i++)
		snprintf(requests[i].key, sizeof(requests[i].key), "key %d", i % keys);
	serve(requests, 2 * keys, flight, start_other(requests, keys / 2, flight));
	wait(&status);
	printf("led %u, followed %u, inherited %u\n", led, followed, inherited);
	printf("%d right answers\n", count_right(requests, keys));
	return count_right(requests, keys) != 2 * keys || !WIFSIGNALED(status);
}
