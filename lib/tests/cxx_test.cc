// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The library from C++: the header compiles, and exceptions may pass through
 */
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>

#include <unistd.h>

#include <muster.h>

namespace {

int number, failures;

void check(bool good, const char *name)
{
	std::printf("%s %d %s\n", good ? "ok" : "not ok", ++number, name);
	failures += !good;
}

const char key[] = "key";

int throwing_work(struct muster_work *work, void *arg)
{
	struct muster_flight_stat stat;
	const int fd = *static_cast<int *>(arg);

	if (work->attempt > 1)
		return muster_work_set(work, "42", 2);
	do {
		usleep(1000);
	} while (muster_flight_stat(fd, &stat) || !stat.followers);
	muster_work_set(work, "never seen", 10);
	throw std::runtime_error("the work failed");
}

int throwing_action(void *, const struct muster_arrival *)
{
	throw std::runtime_error("the action failed");
}

/* Whoever leads throws; the other then does the work. */
std::string ask(int fd)
{
	struct muster_result result;
	std::string answer = "thrown";

	try {
		if (muster_flight_do(fd, key, sizeof(key), throwing_work, &fd,
				     muster_after_ms(20000), &result))
			return "failed";
		answer.assign(result.data, result.len);
	} catch (const std::runtime_error &) {
	}
	muster_result_free(&result);
	return answer;
}

void flight_exception()
{
	int fd = muster_flight_open(nullptr, 0, 0, 0, 0);
	std::string one, other;
	std::thread thread([&] { one = ask(fd); });

	other = ask(fd);
	thread.join();
	check((one == "thrown" && other == "42") || (one == "42" && other == "thrown"),
	      "F6: an exception in the work hands it over");
	close(fd);
}

int run(int fd)
{
	try {
		return muster_barrier_run(fd, MUSTER_FOREVER, throwing_action, nullptr,
					  nullptr);
	} catch (const std::runtime_error &) {
		return 1;
	}
}

void barrier_exception()
{
	int fd = muster_barrier_open(nullptr, 0, 0, 2, MUSTER_BARRIER_ACTION);
	int one = 0;
	std::thread thread([&] { one = run(fd); });
	int other = run(fd);

	thread.join();
	check((one == 1 && other == -EPIPE) || (one == -EPIPE && other == 1),
	      "B2: an exception in the action breaks the barrier");
	close(fd);
}

void semaphore()
{
	struct muster_sem_stat stat;
	int fd = muster_sem_open(nullptr, 0, 0, 3);

	check(!muster_sem_acquire(fd, 2, MUSTER_FOREVER) &&
	      !muster_sem_stat(fd, &stat, nullptr, 0) && stat.held == 2 &&
	      !muster_sem_release(fd, 2), "S1: a semaphore from C++");
	close(fd);
}

int throwing_once(struct muster_work *, void *)
{
	throw std::runtime_error("the work failed");
}

int done_once(struct muster_work *work, void *)
{
	return muster_work_set(work, "42", 2);
}

void once_exception()
{
	int fd = muster_flight_open(nullptr, 0, 0, 0, 0);
	struct muster_result result;
	bool thrown = false;

	try {
		muster_once(fd, key, sizeof(key), throwing_once, nullptr, 0,
			    MUSTER_FOREVER, nullptr);
	} catch (const std::runtime_error &) {
		thrown = true;
	}
	check(thrown && !muster_once(fd, key, sizeof(key), done_once, nullptr, 0,
				     MUSTER_FOREVER, &result) &&
	      result.role == MUSTER_ROLE_LEADER, "G5a: an exception has not done it");
	muster_result_free(&result);
	close(fd);
}

/* One waits for the other, by a mutex and a condition variable. */
void locks()
{
	int mutex = muster_mutex_open(nullptr, 0, 0), cond = muster_cond_open(nullptr, 0, 0);
	int latch = muster_latch_open(nullptr, 0, 0, 1);
	bool there = false, good = true;
	std::thread thread([&] {
		good = !muster_mutex_lock(mutex);
		while (good && !there)
			good = !muster_cond_wait(cond, mutex, MUSTER_FOREVER, nullptr);
		muster_mutex_unlock(mutex);
		muster_latch_count_down(latch);
	});

	muster_mutex_lock(mutex);
	there = true;
	muster_cond_signal(cond, mutex);
	muster_mutex_unlock(mutex);
	check(!muster_latch_wait(latch, MUSTER_FOREVER), "G5: locks from C++");
	thread.join();
	check(good, "G5d: a thread waits for another");
	close(mutex);
	close(cond);
	close(latch);
}

int throwing_task(int, uint64_t, void *)
{
	throw std::runtime_error("the task failed");
}

/* In the task's process it must not come out of muster_all(), as a second one of us. */
void task_exception()
{
	struct muster_task tasks[2] = {};
	struct muster_tasks_how how = {};
	int pid = getpid(), ret;

	tasks[0].fn = tasks[1].fn = throwing_task;
	how.flags = MUSTER_TASKS_KEEP_GOING;
	try {
		ret = muster_all(tasks, 2, MUSTER_FOREVER, &how);
	} catch (const std::runtime_error &) {
		_exit(1);
	}
	if (getpid() != pid)
		_exit(1);
	check(ret == 0 && tasks[0].status == -ECANCELED && tasks[1].status == -ECANCELED,
	      "G5f: an exception in a task is its failure");
	muster_tasks_free(tasks, 2);
}

int throwing_try(uint32_t, void *)
{
	throw std::runtime_error("the try failed");
}

int throwing_job(const struct muster_occasion *, void *arg)
{
	if (++*static_cast<int *>(arg) == 1)
		throw std::runtime_error("the job failed");
	return 1;
}

void schedule_exception()
{
	struct muster_schedule *schedule = nullptr;
	int runs = 0, thrown = 0;

	try {
		muster_retry(throwing_try, nullptr, MUSTER_FOREVER, nullptr, nullptr);
	} catch (const std::runtime_error &) {
		thrown++;
	}
	if (!muster_schedule_open(&schedule))
		muster_schedule_every(schedule, 1000000, throwing_job, &runs, nullptr);
	try {
		muster_schedule_wait(schedule, MUSTER_FOREVER);
	} catch (const std::runtime_error &) {
		thrown++;
	}
	check(thrown == 2 && !muster_schedule_wait(schedule, MUSTER_FOREVER) && runs == 2,
	      "G5h: an exception in a job passes, and the job goes on");
	muster_schedule_close(schedule);
}

}

int main()
{
	if (access(MUSTER_DEVICE, F_OK)) {
		std::printf("1..0 # SKIP no %s: the module is not loaded\n", MUSTER_DEVICE);
		return 4;
	}
	/* What hangs is to fail, and what was good until then to be known. */
	std::setvbuf(stdout, nullptr, _IOLBF, 0);
	alarm(60);
	std::printf("TAP version 13\n1..8\n");
	flight_exception();
	barrier_exception();
	semaphore();
	once_exception();
	locks();
	task_exception();
	schedule_exception();
	return failures != 0;
}
