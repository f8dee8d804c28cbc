/*
 * measure SECONDS COMMAND...: runs a command, kills it after so many seconds,
 * and prints what it took:
 *
 *     status wall-ns cpu-us peak-KiB
 *
 * status as wait4() gives it, -1 if the command was killed for its time. What
 * the command prints, on either channel, goes to standard error.
 *
 * A program of its own because the kernel counts the memory of the process
 * that called exec() to the peak of what it became: started straight from
 * Python, everything small would seem to take what Python takes.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t too_late;
static pid_t child;

static void on_alarm(int signal_number)
{
    too_late = 1;
    kill(child, SIGKILL);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t time_us(struct timeval t)
{
    return t.tv_sec * INT64_C(1000000) + t.tv_usec;
}

static _Noreturn void run(char **command)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execvp(command[0], command);
    perror(command[0]);
    _exit(127);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: measure SECONDS COMMAND...\n");
        return 2;
    }
    int64_t start = now_ns();
    child = fork();
    if (child < 0) {
        perror("fork");
        return 2;
    }
    if (child == 0) {
        run(argv + 2);
    }
    signal(SIGALRM, on_alarm);
    alarm(atoi(argv[1]));

    struct rusage used;
    int status;
    while (wait4(child, &status, 0, &used) != child) {
        /* The alarm came. */
    }
    printf("%d %lld %lld %ld\n", too_late ? -1 : status,
           (long long)(now_ns() - start),
           (long long)(time_us(used.ru_utime) + time_us(used.ru_stime)),
           used.ru_maxrss);
    return 0;
}
