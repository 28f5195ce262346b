// SPDX-License-Identifier: GPL-2.0-only
/*
 * A call from its beginning to its end. See storm.h.
 *
 * The descriptor is chosen and the beginning recorded under the actor's lock, as
 * descriptors come and go under it: a call that was begun with a descriptor is
 * recorded before the CLOSE of that descriptor is.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>

#include "storm.h"

#define FAULT_SIZE	4096

void storm_lock(struct storm_actor *actor)
{
	while (__atomic_exchange_n(&actor->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

void storm_unlock(struct storm_actor *actor)
{
	__atomic_store_n(&actor->lock, 0, __ATOMIC_RELEASE);
}

/* A new record, not begun yet; NULL if there is no more room: the round ends. */
struct history_record *storm_record(__u32 process, __u32 object, __u32 file, __u32 code)
{
	struct history *h = &storm->history;
	__u32 i = history_take(&h->nr_records, 1, HISTORY_RECORDS);
	struct history_record *rec = &h->records[i];

	if (i == HISTORY_RECORDS) {
		__atomic_store_n(&storm->stop, 1, __ATOMIC_SEQ_CST);
		return NULL;
	}
	rec->object = object;
	rec->file = file;
	rec->code = code;
	rec->process = process;
	return rec;
}

/* ---- choosing ---- */

static const struct storm_type *type_of(__u32 object)
{
	return storm_types[storm->objects[object].type];
}

static const struct storm_op *find_op(const struct storm_type *type, __u32 code)
{
	const struct storm_op *op = type->ops;

	while (op->code && op->code != code)
		op++;
	return op->code ? op : NULL;
}

static const struct storm_op *random_op(const struct storm_type *type,
					struct storm_rng *rng, bool looks)
{
	const struct storm_op *op;
	__u32 sum = 0;

	for (op = type->ops; op->code; op++)
		sum += !looks || op->looks ? op->weight : 0;
	if (!sum)
		return NULL;
	sum = rnd_below(rng, sum);
	for (op = type->ops; op->code; op++) {
		if (looks && !op->looks)
			continue;
		if (sum < op->weight)
			return op;
		sum -= op->weight;
	}
	return NULL;
}

static const struct storm_fd *find_file(const struct storm_actor *actor, __u32 file)
{
	__u32 i;

	for (i = 0; i < actor->nr_fds; i++) {
		if (actor->fds[i].file == file)
			return &actor->fds[i];
	}
	return NULL;
}

static void choose_any(struct storm_turn *turn)
{
	const struct storm_actor *actor = turn->actor;
	const struct storm_fd *fd;
	__u32 i = rnd_below(turn->rng, actor->nr_fds + 1);

	turn->object = rnd_below(turn->rng, storm->nr_objects);
	turn->fd = -1;
	turn->file = 0;
	turn->ticket = NULL;
	/* A name needs no descriptor. */
	if (type_of(turn->object)->by_name || !actor->nr_fds)
		return;
	fd = &actor->fds[i % actor->nr_fds];
	turn->object = fd->object;
	turn->fd = fd->fd;
	turn->file = fd->file;
	if (fd->ticket.code)
		turn->ticket = &fd->ticket;
}

/* Takes an errand off the list; it may concern a file that is closed meanwhile. */
static bool choose_errand(struct storm_turn *turn, struct storm_errand *errand)
{
	struct storm_actor *actor = turn->actor;
	const struct storm_fd *fd;
	__u32 i;

	if (!actor->nr_errands)
		return false;
	i = rnd_below(turn->rng, actor->nr_errands);
	*errand = actor->errands[i];
	actor->errands[i] = actor->errands[--actor->nr_errands];
	turn->object = errand->object;
	turn->file = errand->file;
	turn->errand = errand;
	fd = find_file(actor, errand->file);
	if (!fd)
		return false;
	turn->fd = fd->fd;
	if (errand->code == STORM_READ)
		turn->ticket = &fd->ticket;
	return true;
}

/* ---- the call ---- */

/* The actor is locked; unlocks it. */
static bool begin(struct storm_turn *turn, const struct storm_op *op)
{
	struct storm_thread *thread = &turn->actor->threads[turn->thread];
	struct history *h = &storm->history;
	struct history_record *rec = NULL;

	if (type_of(turn->object)->by_name && !turn->errand)
		turn->file = __atomic_add_fetch(&storm->nr_files, 1, __ATOMIC_RELAXED);
	rec = storm_record(turn->actor->process, turn->object, turn->file, op->code);
	turn->rec = rec;
	if (rec) {
		rec->thread = storm_thread_number(turn->actor, turn->thread);
		if (turn->errand)
			memcpy(rec->arg, turn->errand->arg, sizeof(rec->arg));
		else if (op->make)
			op->make(turn);
		if (op->complete)
			op->complete(turn);
		rec->begun = storm_clock(CLOCK_MONOTONIC);
		thread->record = rec - h->records;
		__atomic_store_n(&thread->state, STORM_CALLS, __ATOMIC_RELEASE);
		history_stamp(h, &rec->inv);
	}
	storm_unlock(turn->actor);
	return rec;
}

static void end(struct storm_turn *turn)
{
	history_stamp(&storm->history, &turn->rec->res);
	turn->rec->over = storm_clock(CLOCK_MONOTONIC);
	__atomic_store_n(&turn->actor->threads[turn->thread].state, STORM_RUNS,
			 __ATOMIC_RELEASE);
	storm_count(COUNT_RETURN);
}

/* Now that the answer is recorded others may use it. */
static void add_errands(struct storm_turn *turn)
{
	struct storm_actor *actor = turn->actor;
	__u32 i;

	if (!turn->nr_later)
		return;
	storm_lock(actor);
	for (i = 0; i < turn->nr_later && actor->nr_errands < STORM_ERRANDS; i++)
		actor->errands[actor->nr_errands++] = turn->later[i];
	storm_unlock(actor);
}

/* The actor is locked; unlocks it. */
static void call(struct storm_turn *turn, const struct storm_op *op)
{
	if (op && (turn->fd >= 0 || (type_of(turn->object)->by_name && !turn->errand))) {
		if (begin(turn, op)) {
			op->run(turn);
			end(turn);
			add_errands(turn);
		}
	} else {
		storm_unlock(turn->actor);
	}
}

void storm_turn(struct storm_actor *actor, unsigned int thread, struct storm_rng *rng)
{
	struct storm_turn turn = { .actor = actor, .thread = thread, .rng = rng, .fd = -1 };
	struct storm_errand errand;
	const struct storm_op *op = NULL;

	storm_lock(actor);
	if (rnd_percent(rng, 55) && choose_errand(&turn, &errand)) {
		op = turn.ticket ? &storm_read_op :
		     find_op(type_of(turn.object), errand.code);
	} else {
		turn.errand = NULL;
		choose_any(&turn);
		op = turn.ticket && rnd_percent(rng, 40) ? &storm_read_op :
		     random_op(type_of(turn.object), rng, false);
	}
	call(&turn, op);
}

/* An observer's turn. */
void storm_look(struct storm_actor *actor, unsigned int thread, struct storm_rng *rng)
{
	struct storm_turn turn = { .actor = actor, .thread = thread, .rng = rng, .fd = -1 };

	storm_lock(actor);
	choose_any(&turn);
	call(&turn, random_op(type_of(turn.object), rng, true));
}

/* The master looks at an object. It is process 0, and nobody else is. */
void storm_stat(unsigned int object)
{
	const struct storm_op *op = type_of(object)->ops;
	struct storm_turn turn = {
		.object = object,
		.fd = storm->objects[object].fd,
		.file = object + 1,
	};

	while (op->code && !op->looks)
		op++;
	if (!op->code || turn.fd < 0)
		return;
	turn.rec = storm_record(0, object, turn.file, op->code);
	if (!turn.rec)
		return;
	history_stamp(&storm->history, &turn.rec->inv);
	op->run(&turn);
	history_stamp(&storm->history, &turn.rec->res);
}

/* ---- for types ---- */

__u64 storm_random_span(struct storm_rng *rng)
{
	static const __u32 most[] = { 20000, 200000, 2000000, 20000000 };

	return rnd_below(rng, most[rnd_below(rng, 4)]);
}

void storm_choose_wait(struct storm_turn *turn)
{
	struct storm_rng *rng = turn->rng;
	bool real = rnd_percent(rng, 10);
	__u32 dice = rnd_below(rng, 100);

	turn->flags = 0;
	turn->deadline = MUSTER_FOREVER;
	if (dice < 15) {
		turn->rec->how |= HOW_TRY;
		turn->flags = MUSTER_WAIT_NONBLOCK;
	} else if (dice < 80) {
		turn->rec->how |= HOW_TIMED;
		turn->flags = real ? MUSTER_WAIT_REALTIME : 0;
		turn->deadline = storm_clock(real ? CLOCK_REALTIME : CLOCK_MONOTONIC);
		/* Some have passed already. */
		turn->deadline += dice < 20 ? 0 : storm_random_span(rng);
		turn->rec->until = real ? 0 : turn->deadline;
	}
	if (rnd_percent(rng, 2)) {
		turn->rec->how |= HOW_FAULT;
	} else if (rnd_percent(rng, 25) && storm_may_have_ticket(turn)) {
		turn->rec->how |= HOW_TICKET;
		turn->rec->ticket = __atomic_add_fetch(&storm->nr_files, 1, __ATOMIC_RELAXED);
		turn->flags |= MUSTER_WAIT_TICKET;
	}
}

void storm_check_deadline(const struct storm_turn *turn, int ret)
{
	int clock = turn->flags & MUSTER_WAIT_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;

	if (turn->rec->how & HOW_TIMED && ret == -ETIMEDOUT)
		storm_check(CLAIM_DEADLINE, storm_clock(clock) >= turn->deadline,
			    "timed out %llu ns early", turn->deadline - storm_clock(clock));
}

/* A page that can be written here and only be read there. */
static void *fault_page(void **there)
{
	void *here = mmap(NULL, FAULT_SIZE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (here == MAP_FAILED)
		storm_die("mmap");
	*there = mremap(here, 0, FAULT_SIZE, MREMAP_MAYMOVE);
	if (*there == MAP_FAILED || mprotect(*there, FAULT_SIZE, PROT_READ))
		storm_die("mremap");
	return here;
}

static int faulty_ioctl(int fd, unsigned int cmd, const void *arg, size_t size)
{
	void *there, *here = fault_page(&there);
	int ret;

	memcpy(here, arg, size);
	ret = storm_call(fd, cmd, there);
	munmap(here, FAULT_SIZE);
	munmap(there, FAULT_SIZE);
	return ret;
}

int storm_ioctl(struct storm_turn *turn, unsigned int cmd, void *arg, size_t size)
{
	int ret;

	if (turn->rec->how & HOW_TICKET)
		return storm_ticket_ioctl(turn, cmd, arg);
	if (turn->rec->how & HOW_FAULT)
		ret = faulty_ioctl(turn->fd, cmd, arg, size);
	else
		ret = storm_call(turn->fd, cmd, arg);
	turn->rec->ret = ret;
	if (ret == -EBADF && fcntl(turn->fd, F_GETFD) < 0)
		turn->rec->how |= HOW_LOST;
	storm_check_deadline(turn, ret);
	return ret;
}

void storm_later(struct storm_turn *turn, __u32 code, __s64 a, __s64 b, __s64 c)
{
	if (turn->nr_later < STORM_LATER)
		turn->later[turn->nr_later++] = (struct storm_errand){
			turn->object, turn->file, code, { a, b, c } };
}

void storm_list(struct history_record *rec, const struct muster_process *list, __u32 nr)
{
	struct history *h = &storm->history;
	__u32 at = history_take(&h->nr_entries, nr, HISTORY_ENTRIES), i;

	if (at == HISTORY_ENTRIES)
		storm_die("no room for lists");
	rec->entries = at;
	rec->nr_entries = nr;
	for (i = 0; i < nr; i++)
		h->entries[at + i] = (struct history_entry){
			list[i].pid, list[i].role, list[i].amount };
}

/* ---- descriptors ---- */

bool storm_has_room(const struct storm_actor *actor, __u32 object)
{
	__u32 files = 0, i, j;

	for (i = 0; i < actor->nr_fds; i++) {
		for (j = 0; actor->fds[j].file != actor->fds[i].file; j++)
			;
		files += i == j && actor->fds[i].object == object;
	}
	return actor->nr_fds < STORM_FDS && files < STORM_FILES;
}

/* Numbers are not used twice: a thread may be about to use one that another closes. */
struct storm_fd *storm_add_fd(struct storm_actor *actor, int fd, __u32 object, __u32 file,
			      bool cloexec)
{
	int to = fcntl(fd, cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, actor->next_fd);

	if (to < 0)
		storm_die("F_DUPFD");
	close(fd);
	actor->next_fd = to + 1;
	actor->fds[actor->nr_fds] = (struct storm_fd){ to, object, file, cloexec };
	return &actor->fds[actor->nr_fds++];
}

int storm_open(const struct storm_object *object, __u32 oflags, __u32 *created)
{
	const struct history_object *o = &storm->history.objects[object - storm->objects];
	struct muster_open how = {
		.size = sizeof(how),
		.type = storm_types[object->type]->id,
		.oflags = oflags,
		.mode = 0600,
		.name = (__u64)(unsigned long)object->name,
		.name_len = strlen(object->name),
	};
	int fd;

	if (oflags & O_CREAT) {
		how.limit = o->limit;
		how.initial = o->initial;
		how.options = o->options;
	}
	fd = storm_call(STORM_DEVICE_FD, MUSTER_OPEN, &how);
	if (created)
		*created = how.created;
	return fd;
}
