/*
 * A Linux module with a bug as kernels have them: something is freed while a
 * pointer still leads to it, another allocation gets the memory, and long after
 * that a thread on another processor calls through the stale pointer.
 *
 * Loaded into a kernel that panics when it oopses, it is the guest of
 * test-linux-oops.py, which finds session_drop() from the end of the recording.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

struct session {
    unsigned long id, uses;
    unsigned long (*check)(struct session *s);
    char name[40];
};

static struct session *session;
static void *newer;

noinline unsigned long session_check(struct session *s)
{
    return s->id + s->uses;
}

/* The bug: `session` still leads there. */
noinline void session_drop(struct session *s)
{
    pr_info("uaf: session %px dropped\n", s);
    kfree(s);
}

noinline void session_use(struct session *s)
{
    s->uses++;
    s->check(s);
}

static int user_thread(void *unused)
{
    while (!kthread_should_stop()) {
        session_use(session);
        usleep_range(100, 200);
    }
    return 0;
}

static int dropper_thread(void *unused)
{
    msleep(50);
    session_drop(session);
    return 0;
}

/* Whoever allocates next gets what was freed. */
noinline void newer_fill(void *p)
{
    memset(p, 0x42, sizeof(struct session));
}

static int newer_thread(void *unused)
{
    unsigned int n;

    msleep(100);
    for (n = 0; n < 4096; n++) {
        newer = kmalloc(sizeof(struct session), GFP_KERNEL);
        newer_fill(newer);
    }
    return 0;
}

static void start(int (*thread)(void *), const char *name, unsigned int n)
{
    struct task_struct *t = kthread_create(thread, NULL, "%s", name);

    if (!IS_ERR(t)) {
        kthread_bind(t, n % num_online_cpus());
        wake_up_process(t);
    }
}

static int __init uaf_init(void)
{
    unsigned int cpu;

    session = kzalloc(sizeof(*session), GFP_KERNEL);
    if (!session)
        return -ENOMEM;
    session->id = 7;
    session->check = session_check;
    strscpy(session->name, "the first", sizeof(session->name));
    start(user_thread, "uaf-user", 1);
    start(dropper_thread, "uaf-dropper", 2);
    /* Whichever processor has the list that it is in now. */
    for_each_online_cpu(cpu)
        start(newer_thread, "uaf-newer", cpu);
    return 0;
}

module_init(uaf_init);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("a use after free");
