/*
 * -sandbox by libseccomp. See io/sandbox.h.
 *
 * Each group is a list of calls that are forbidden when the group is; all
 * others are allowed. Whoever makes one of them is not this program any more, and
 * is ended; only processes are refused by an error, because some of what users
 * ask for makes one.
 */
#include "io/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>

/* syscalls(2): obsolete, or of use to the administrator only. */
static const int obsolete[] = {
    SCMP_SYS(_sysctl), SCMP_SYS(afs_syscall), SCMP_SYS(bdflush),
    SCMP_SYS(create_module), SCMP_SYS(get_kernel_syms), SCMP_SYS(getpmsg),
    SCMP_SYS(idle), SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load),
    SCMP_SYS(mount), SCMP_SYS(nfsservctl), SCMP_SYS(putpmsg),
    SCMP_SYS(query_module), SCMP_SYS(reboot), SCMP_SYS(security),
    SCMP_SYS(sgetmask), SCMP_SYS(ssetmask), SCMP_SYS(swapoff),
    SCMP_SYS(swapon), SCMP_SYS(sysfs), SCMP_SYS(syslog), SCMP_SYS(tuxcall),
    SCMP_SYS(umount), SCMP_SYS(umount2), SCMP_SYS(uselib), SCMP_SYS(ustat),
    SCMP_SYS(vserver), SCMP_SYS(init_module), SCMP_SYS(finit_module),
    SCMP_SYS(delete_module), SCMP_SYS(pivot_root),
};

static const int elevation[] = {
    SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setpgid), SCMP_SYS(setsid),
    SCMP_SYS(setreuid), SCMP_SYS(setregid), SCMP_SYS(setresuid),
    SCMP_SYS(setresgid), SCMP_SYS(setfsuid), SCMP_SYS(setfsgid),
};

static const int programs[] = { SCMP_SYS(execve), SCMP_SYS(execveat) };
static const int processes[] = { SCMP_SYS(fork), SCMP_SYS(vfork) };

static const int resources[] = {
    SCMP_SYS(setpriority), SCMP_SYS(sched_setparam),
    SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_setaffinity),
    SCMP_SYS(sched_setattr),
};

/* A call that this processor or libseccomp does not know needs no rule. */
static int forbid(scmp_filter_ctx ctx, uint32_t action, const int *calls,
                  size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = calls[i] < 0 ? 0 : seccomp_rule_add(ctx, action, calls[i], 0);
        if (rc && rc != -EDOM && rc != -EINVAL) {
            return rc;
        }
    }
    return 0;
}

/* Threads are made, processes are not. clone3() cannot be looked into: libc
 * takes clone() where there is none. */
static int forbid_processes(scmp_filter_ctx ctx)
{
    uint32_t no = SCMP_ACT_ERRNO(EPERM);
    int rc = forbid(ctx, no, processes, G_N_ELEMENTS(processes));
    if (!rc) {
        rc = seccomp_rule_add(ctx, no, SCMP_SYS(clone), 1,
                              SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    }
    return rc ? rc : seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
                                      SCMP_SYS(clone3), 0);
}

static int add_rules(scmp_filter_ctx ctx, const SandboxSpec *s)
{
    uint32_t end = SCMP_ACT_KILL_PROCESS;
    int rc = 0;
    if (!s->obsolete) {
        rc = forbid(ctx, end, obsolete, G_N_ELEMENTS(obsolete));
    }
    if (!rc && s->no_elevation) {
        rc = forbid(ctx, end, elevation, G_N_ELEMENTS(elevation));
    }
    if (!rc && s->no_spawn) {
        rc = forbid(ctx, end, programs, G_N_ELEMENTS(programs));
    }
    if (!rc && s->no_spawn) {
        rc = forbid_processes(ctx);
    }
    if (!rc && s->no_resources) {
        rc = forbid(ctx, end, resources, G_N_ELEMENTS(resources));
    }
    return rc;
}

bool sandbox_enter(const SandboxSpec *spec, Error **errp)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    int rc = ctx ? add_rules(ctx, spec) : -ENOMEM;
    if (!rc) {
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    }
    if (!rc) {
        rc = seccomp_load(ctx);
    }
    seccomp_release(ctx);
    if (rc) {
        error_set_errno(errp, -rc, "-sandbox: the system does not take the "
                        "filter");
    }
    return !rc;
}
