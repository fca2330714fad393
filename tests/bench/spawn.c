/* Runs a program several times and tells how long it took and how much memory it had at most:
 *
 *   spawn COUNT PROGRAM ARGUMENT...      prints "MILLISECONDS KIBIBYTES": the median, and the largest of all
 *
 * Its standard output goes nowhere. */
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	double *times = count > 0 ? calloc((size_t)count, sizeof(*times)) : NULL;
	posix_spawn_file_actions_t actions;
	long peak = 0;

	if (!times) {
		fprintf(stderr, "usage: spawn COUNT PROGRAM ARGUMENT...\n");
		return 2;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	for (int i = 0; i < count; i++) {
		double start = now_ms();
		struct rusage usage;
		int status;
		pid_t pid;

		if (posix_spawnp(&pid, argv[2], &actions, NULL, argv + 2, environ) != 0 ||
		    wait4(pid, &status, 0, &usage) != pid || status != 0) {
			fprintf(stderr, "spawn: '%s' failed\n", argv[2]);
			return 1;
		}
		times[i] = now_ms() - start;
		if (usage.ru_maxrss > peak)
			peak = usage.ru_maxrss;
	}
	posix_spawn_file_actions_destroy(&actions);
	qsort(times, (size_t)count, sizeof(*times), compare);
	printf("%.3f %ld\n", times[count / 2], peak);
	free(times);
	return 0;
}
