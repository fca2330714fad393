/* Loaded into the real virsh: it waits for a job of its own (dump, save, migrate) in a loop that the job's thread ends,
 * and waits for ever when the job is over before the loop has begun. Here the end waits for the beginning. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>

void g_main_loop_quit(void *loop);

void g_main_loop_quit(void *loop)
{
	int (*is_running)(void *) = (int (*)(void *))dlsym(RTLD_NEXT, "g_main_loop_is_running");
	void (*quit)(void *) = (void (*)(void *))dlsym(RTLD_NEXT, "g_main_loop_quit");

	for (int ms = 0; ms < 5000 && !is_running(loop); ms++)
		usleep(1000);
	quit(loop);
}
