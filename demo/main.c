// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: muster-demo DATABASE
 *        muster-demo DATABASE SECONDS
 *
 * Shows what muster is good for, and looks itself whether it is true. Exit status:
 * 0 if all was as promised, 1 if not, 2 in trouble. With SECONDS: a stampede that lasts so
 * long without muster and with it, as numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "demo.h"

int main(int argc, char **argv)
{
	struct muster_info info;
	struct utsname uts;
	uint64_t start = muster_after_ns(0);

	if (argc != 2 && argc != 3) {
		fprintf(stderr, "usage: muster-demo DATABASE [SECONDS]\n");
		return 2;
	}
	must(muster_info(&info), "muster");
	if (argc == 3) {
		stampede_demo(argv[1], atoi(argv[2]));
		return 0;
	}
	uname(&uts);
	printf("muster: processes that coordinate, and survive each other's crashes\n"
	       "Linux %s, %ld CPUs\n", uts.release, sysconf(_SC_NPROCESSORS_ONLN));
	question_demo(argv[1]);
	water_demo();
	permits_demo();
	printf("\n\n%s, in %.0f s.\n", all_kept() ? "All as promised" : "NOT ALL AS PROMISED",
	       seconds(muster_after_ns(0) - start));
	return !all_kept();
}
