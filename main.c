/*
 * Reprise: builds the machine that the command line describes, and runs it.
 */
#include <signal.h>
#include <stdlib.h>

#include "io/process.h"
#include "io/sandbox.h"
#include "program.h"

static int failed(Error *err)
{
    error_report("%s", error_message(err));
    error_free(err);
    return EXIT_FAILURE;
}

/* From the background (-daemonize) to a machine that is ready to run. */
static bool start(Program *p, Error **errp)
{
    const Options *o = &p->opts;
    if (o->daemonize && !process_daemonize(errp)) {
        return false;
    }
    if (o->pidfile && !process_write_pidfile(o->pidfile, errp)) {
        return false;
    }
    if (!program_build(p, errp)) {
        return false;
    }
    process_daemon_ready();
    return !o->sandbox.on || sandbox_enter(&o->sandbox, errp);
}

static int run(Program *p)
{
    Error *err = NULL;
    bool ok = start(p, &err);
    int code = p->opts.verify.mode != VERIFY_NO ? program_verify(p, err)
               : ok                              ? program_run(p)
                                                 : failed(err);
    const char *pidfile = p->opts.pidfile;
    if (pidfile) {
        process_remove_pidfile(pidfile);
    }
    program_close(p);
    return code;
}

int main(int argc, char **argv)
{
    Program p = { 0 };
    Error *err = NULL;
    g_autofree char *name = g_path_get_basename(argv[0]);
    g_set_prgname(name);
    error_set_program(name);
    /* A peer that hangs up is an error of write(), not the end. */
    signal(SIGPIPE, SIG_IGN);
    /* A file that may not grow any more is one, too. */
    signal(SIGXFSZ, SIG_IGN);
    if (!options_parse(&p.opts, argc, argv, &err)) {
        return failed(err);
    }
    if (p.opts.done) {
        int code = p.opts.exit_code;
        options_clear(&p.opts);
        return code;
    }
    if (p.opts.verify.mode == VERIFY_BISECT) {
        int code = program_bisect(&p.opts);
        options_clear(&p.opts);
        return code;
    }
    return run(&p);
}
