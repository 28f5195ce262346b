// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is said to the user: on stderr, with what to do about it
 */
#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

bool verbose;

/* In one piece, that others who write to the same terminal do not tear. */
static void vsay(const char *format, va_list args)
{
	char text[2048];
	int len, more;

	len = command ? snprintf(text, sizeof(text), "muster %s: ", command->name) :
			snprintf(text, sizeof(text), "muster: ");
	more = vsnprintf(text + len, sizeof(text) - len - 1, format, args);
	if (more > (int)sizeof(text) - len - 2)
		more = sizeof(text) - len - 2;
	len += more;
	text[len++] = '\n';
	if (write(STDERR_FILENO, text, len) < 0)
		return;	/* Nobody to tell. */
}

void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

/* With --verbose only. */
void say_more(const char *format, ...)
{
	va_list args;

	if (!verbose)
		return;
	va_start(args, format);
	vsay(format, args);
	va_end(args);
}

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	exit(STATUS_MUSTER);
}

void die_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsay(format, args);
	va_end(args);
	if (command)
		fprintf(stderr, "usage: muster %s %s\nmuster %s --help tells more.\n",
			command->name, command->usage, command->name);
	exit(STATUS_MUSTER);
}

/**
 * device_trouble - is it for want of the device that nothing can be opened?
 * @err:	why it cannot be opened
 * @why:	gets that in words, with what to do about it
 * @len:	how many bytes it has
 *
 * Return: whether it is.
 */
bool device_trouble(int err, char *why, size_t len)
{
	struct group *group;
	struct stat device;
	bool there = !stat(MUSTER_DEVICE, &device);

	if (!there && !access("/sys/module/muster", F_OK)) {
		snprintf(why, len, "loaded, but there is no %s here; a container has to be given it (--device %s)",
			 MUSTER_DEVICE, MUSTER_DEVICE);
		return true;
	}
	if (err == -ENODEV || err == -ENXIO || !there) {
		snprintf(why, len, "not loaded; load it, as root: modprobe muster (or insmod muster.ko)");
		return true;
	}
	if (err == -ENOTTY || !S_ISCHR(device.st_mode)) {
		snprintf(why, len, "%s is something else; remove that, as root, and load the module anew: modprobe -r muster; modprobe muster",
			 MUSTER_DEVICE);
		return true;
	}
	if (access(MUSTER_DEVICE, R_OK | W_OK) && errno == EACCES) {
		group = getgrgid(device.st_gid);
		snprintf(why, len, "no permission: %s has mode %03o, group %s; root can let you in%s by chmod 666 %s",
			 MUSTER_DEVICE, device.st_mode & 0777, group ? group->gr_name : "?",
			 (device.st_mode & 060) == 060 ? " by that group, or everybody" : "",
			 MUSTER_DEVICE);
		return true;
	}
	return false;
}

/* The module does not know an ioctl, if it is the module that was asked. */
void die_old(const char *what)
{
	char why[512];

	if (device_trouble(0, why, sizeof(why)))
		die("kernel module: %s", why);
	die("the kernel module is too old to %s: this is muster %s, and muster version tells what that is",
	    what, MUSTER_VERSION);
}

/* ", as did 3 others", after @what; nothing if there are none. */
const char *and_others(const char *what, uint64_t nr, char *buf, size_t len)
{
	*buf = 0;
	if (nr)
		snprintf(buf, len, "%s %llu other%s", what, (unsigned long long)nr,
			 nr == 1 ? "" : "s");
	return buf;
}

/* An object cannot be opened: why, and what to do. */
void die_open(int err, const char *name)
{
	char why[512];

	if (device_trouble(err, why, sizeof(why)))
		die("kernel module: %s", why);
	if (err == -EACCES)
		die("%s: no permission: another user has made it, with a mode that does not let you in. Its maker can say --mode 666; a name that begins with ~ is your own",
		    name);
	if (err == -ENOENT)
		die("%s: there is nothing of this name now: a name is there as long as somebody uses it",
		    name);
	if (err == -EINVAL)
		die("%s: not a valid name, or it is there with other options or another number (muster stat tells); all who use it are to agree",
		    name);
	if (err == -ENAMETOOLONG)
		die("%.40s...: a name has %d bytes at most", name, MUSTER_NAME_MAX);
	if (err == -ENOSPC)
		die("%s: you have too many objects; root can raise %sobjects_max", name,
		    PARAMETERS);
	die("%s: %s", name, muster_strerror(err));
}

/* What is at its limit, and which that is. */
void die_error(int err, const char *doing)
{
	if (err == -ENOSPC)
		die("%s: you have too many flights and tasks; root can raise %scalls_max", doing,
		    PARAMETERS);
	if (err == -ENOBUFS)
		die("%s: you have too many results that are kept or wait to be fetched; root can raise %sbytes_max",
		    doing, PARAMETERS);
	if (err == -EMSGSIZE)
		die("%s: the result is too long; root can raise %sresult_max", doing, PARAMETERS);
	die("%s: %s", doing, muster_strerror(err));
}

/* The system's own words: muster_strerror() has others for what objects may be in want of. */
void die_output(void)
{
	die("cannot write to stdout: %s", strerror(errno));
}

/* What was printed has to have arrived, or the exit status says so. */
void flush_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		die_output();
}
