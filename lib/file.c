// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers that are files (F3)
 *
 * What reads and writes may be a cancellation point elsewhere. Here it must not, for
 * a thread that is cancelled would leak what it has in its hands.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL	0x0008U
#endif

#define RESULT_SEALS	(F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)

/* A descriptor of the same open file, or a negative errno. */
int muster_file_dup(int file)
{
	int saved = errno;
	int own = fcntl(file, F_DUPFD_CLOEXEC, 0);

	if (own < 0)
		own = -errno;
	errno = saved;
	return own;
}

/* 0, or what is wrong at first sight; the rest is for FINISH to say. */
int muster_file_check(int file)
{
	int saved = errno, err = 0;
	int flags = fcntl(file, F_GETFL);
	struct stat st;

	if (flags < 0 || flags & O_PATH || (flags & O_ACCMODE) == O_WRONLY)
		err = -EBADF;
	else if (fstat(file, &st) || !S_ISREG(st.st_mode))
		err = -EINVAL;
	errno = saved;
	return err;
}

/* It is the library's: close-on-exec, and nobody changes it any more, if it is memory. */
void muster_file_own(int file)
{
	int saved = errno;

	fcntl(file, F_SETFD, FD_CLOEXEC);
	fcntl(file, F_ADD_SEALS, RESULT_SEALS);
	errno = saved;
}

/* How long it is, or a negative errno. */
int64_t muster_file_len(int file)
{
	int saved = errno;
	struct stat st;
	int64_t len;

	len = fstat(file, &st) ? -errno : st.st_size;
	errno = saved;
	return len;
}

/* Who reads it finds its beginning. */
void muster_file_rewind(int file)
{
	int saved = errno;

	lseek(file, 0, SEEK_SET);
	errno = saved;
}

static int read_all(int file, char *data, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = pread(file, data + done, len - done, done);
		if (n > 0)
			done += n;
		else if (!n)
			return -EIO;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* 0, or a negative errno: -EIO if it is shorter. */
int muster_file_read(int file, char *data, size_t len)
{
	int saved = errno, cancel, err;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	err = read_all(file, data, len);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return err;
}

static int new_memory(void)
{
	int file = syscall(SYS_memfd_create, "muster", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

	/* Linux before 6.3 */
	if (file < 0 && errno == EINVAL)
		file = syscall(SYS_memfd_create, "muster", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return file < 0 ? -errno : file;
}

static int write_all(int file, const char *data, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(file, data, len);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= n;
		}
	}
	return 0;
}

static int make_file(const char *data, size_t len)
{
	struct rlimit limit;
	int file, err;

	/* To write more would be SIGXFSZ. */
	if (!getrlimit(RLIMIT_FSIZE, &limit) && len > limit.rlim_cur)
		return -EFBIG;
	file = new_memory();
	if (file < 0)
		return file;
	err = write_all(file, data, len);
	if (err) {
		muster_close(file);
		return err;
	}
	muster_file_own(file);
	return file;
}

/* A file in memory that holds the bytes and is sealed, or a negative errno. */
int muster_file_make(const char *data, size_t len)
{
	int saved = errno, cancel, file;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	file = make_file(data, len);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
	return file;
}
