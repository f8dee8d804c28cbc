/*
 * The options -replay-verify, -replay-report, -replay-state and
 * -replay-bisect: replays for the sake of their states. The last of them says
 * which it is.
 */
#include "options.h"

#include <string.h>

bool opt_replay_verify(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    o->verify.mode = VERIFY_LOG;
    return true;
}

bool opt_replay_report(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    o->verify.report = arg;
    return true;
}

bool opt_replay_state(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    static const char *const via[] = { "start", "checkpoint", NULL };
    VerifyOption *v = &o->verify;
    unsigned way = 0;
    const char *report = v->report;
    *v = (VerifyOption){ .mode = VERIFY_STATE, .report = report,
                         .step = ICOUNT_NONE };
    if (!keyval_has(kv, "from")) {
        error_set(errp, "from=N is needed");
        return false;
    }
    if (!keyval_number(kv, "from", 0, INT64_MAX, &v->from, errp)) {
        return false;
    }
    v->to = v->from;
    v->pages = keyval_get(kv, "page");
    if (!keyval_number(kv, "to", v->from, INT64_MAX, &v->to, errp) ||
        !keyval_number(kv, "step", 1, INT64_MAX, &v->step, errp) ||
        !keyval_bool(kv, "whole", &v->whole, errp) ||
        !keyval_word(kv, "via", via, &way, errp)) {
        return false;
    }
    v->checkpoint = way;
    return true;
}

bool opt_replay_bisect(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    VerifyOption *v = &o->verify;
    const char *what = keyval_get(kv, "what");
    v->mode = VERIFY_BISECT;
    v->with = keyval_get(kv, "with");
    if (v->with ? what != NULL : !what || !g_str_equal(what, "ways")) {
        error_set(errp, "ways or with=FILE is expected");
        return false;
    }
    return true;
}

static const char *mode_option(VerifyMode mode)
{
    return mode == VERIFY_LOG     ? "-replay-verify"
           : mode == VERIFY_STATE ? "-replay-state"
                                  : "-replay-bisect";
}

bool options_check_verify(Options *o, Error **errp)
{
    VerifyMode mode = o->verify.mode;
    if (o->verify.report && mode == VERIFY_NO) {
        error_set(errp, "-replay-report needs -replay-verify");
        return false;
    }
    if (mode == VERIFY_NO) {
        return true;
    }
    const char *option = mode_option(mode);
    if (o->icount.rr != REPLAY_PLAY) {
        error_set(errp, "%s needs -icount rr=replay", option);
        return false;
    }
    if (o->daemonize || o->loadvm) {
        error_set(errp, "%s cannot be used with %s", option,
                  o->daemonize ? "-daemonize"
                               : "-loadvm; rrsnapshot=NAME begins there");
        return false;
    }
    o->paused = false;
    o->pidfile = NULL;
    return true;
}
