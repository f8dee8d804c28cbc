/*
 * The option -replay-timeline: how a replay remembers its past.
 */
#include "options.h"

#define LEAST_BYTES (1 * MIB)

static bool timeline_interval(ReplayOption *t, const KeyVal *kv, Error **errp)
{
    const char *text = keyval_get(kv, "interval");
    if (text && !g_str_equal(text, "auto") &&
        (!options_insns(text, &t->interval) || !t->interval)) {
        error_set(errp, "Parameter 'interval' expects auto or a number of "
                  "instructions above 0 (500k, 20M), not '%s'", text);
        return false;
    }
    return true;
}

bool opt_replay_timeline(Options *o, const char *arg, KeyVal *kv,
                         Error **errp)
{
    ReplayOption *t = &o->timeline;
    bool on = true;
    *t = (ReplayOption){ .given = true };
    if (g_str_equal(arg, "off")) {
        t->off = true;
        return true;
    }
    if (!keyval_bool(kv, "timeline", &on, errp) ||
        !keyval_size(kv, "size", 1, &t->bytes, errp) ||
        !timeline_interval(t, kv, errp)) {
        return false;
    }
    t->off = !on;
    if (keyval_has(kv, "size") && t->bytes < LEAST_BYTES) {
        error_set(errp, "Parameter 'size' must be at least 1M");
        return false;
    }
    return true;
}
