/*
 * The option -icount: virtual time, record and replay.
 */
#include "options.h"

#include <string.h>

#define SHIFT_MAX 10
#define SHIFT_AUTO_FIRST 3
#define SNAPSHOTS_MAX 10000

static bool icount_shift(IcountOption *ic, const KeyVal *kv, Error **errp)
{
    const char *text = keyval_get(kv, "shift");
    uint64_t shift;
    if (!text) {
        return true;
    }
    ic->has_shift = true;
    if (g_str_equal(text, "auto")) {
        ic->mode = ICOUNT_AUTO;
        ic->shift = SHIFT_AUTO_FIRST;
        return true;
    }
    if (!keyval_parse_number(text, &shift) || shift > SHIFT_MAX) {
        error_set(errp, "Parameter 'shift' must be auto or a number from 0 "
                  "to %d, not '%s'", SHIFT_MAX, text);
        return false;
    }
    ic->mode = ICOUNT_FIXED;
    ic->shift = shift;
    return true;
}

/* ORDER replay-mode (svc/timeline.h) */
static const char *const rr_words[] = { "none", "record", "replay", NULL };

bool options_insns(const char *text, uint64_t *out)
{
    static const char letters[] = "kKMG";
    static const uint64_t units[] = { 1000, 1000, 1000000, 1000000000 };
    size_t digits = strspn(text, "0123456789");
    const char *letter = text[digits] ? strchr(letters, text[digits]) : NULL;
    g_autofree char *number = g_strndup(text, digits);
    uint64_t unit = letter ? units[letter - letters] : 1, n;
    if (!digits || strlen(text) != digits + !!letter ||
        !keyval_parse_number(number, &n) || n > INT64_MAX / unit) {
        return false;
    }
    *out = n * unit;
    return true;
}

/* Snapshots while recording. */
static bool icount_periodic(IcountOption *ic, const KeyVal *kv, Error **errp)
{
    const char *text = keyval_get(kv, "rrsnapshot-period");
    if (!keyval_number(kv, "rrsnapshot-max", 1, SNAPSHOTS_MAX,
                       &ic->rrsnapshot_max, errp) ||
        !keyval_size(kv, "rrsnapshot-size", 1, &ic->rrsnapshot_bytes, errp)) {
        return false;
    }
    if (keyval_has(kv, "rrsnapshot-size") && !ic->rrsnapshot_bytes) {
        error_set(errp, "Parameter 'rrsnapshot-size' must not be 0");
        return false;
    }
    if (!text) {
        if (ic->rrsnapshot_max || ic->rrsnapshot_bytes) {
            error_set(errp, "%s needs rrsnapshot-period=N",
                      ic->rrsnapshot_max ? "rrsnapshot-max"
                                         : "rrsnapshot-size");
        }
        return !ic->rrsnapshot_max && !ic->rrsnapshot_bytes;
    }
    if (!options_insns(text, &ic->rrsnapshot_period) ||
        !ic->rrsnapshot_period) {
        error_set(errp, "Parameter 'rrsnapshot-period' expects a number of "
                  "instructions such as 500k, 20M or 1G, not '%s'", text);
        return false;
    }
    if (ic->rr != REPLAY_RECORD || !ic->rrsnapshot) {
        error_set(errp, "rrsnapshot-period needs %s",
                  ic->rr != REPLAY_RECORD ? "rr=record" : "rrsnapshot=NAME");
        return false;
    }
    return true;
}

static bool icount_rr(IcountOption *ic, const KeyVal *kv, Error **errp)
{
    unsigned mode = REPLAY_NONE;
    if (!keyval_word(kv, "rr", rr_words, &mode, errp) ||
        !keyval_number(kv, "rrdigest", 1, INT64_MAX, &ic->rrdigest, errp)) {
        return false;
    }
    ic->rr = mode;
    ic->rrfile = keyval_get(kv, "rrfile");
    ic->rrsnapshot = keyval_get(kv, "rrsnapshot");
    if (!icount_periodic(ic, kv, errp)) {
        return false;
    }
    if (ic->rr == REPLAY_NONE) {
        if (ic->rrfile || ic->rrsnapshot || ic->rrdigest) {
            error_set(errp, "rrfile, rrsnapshot and rrdigest need rr=record "
                      "or rr=replay");
        }
        return !ic->rrfile && !ic->rrsnapshot && !ic->rrdigest;
    }
    if (!ic->rrfile || !*ic->rrfile) {
        error_set(errp, "rr=%s needs rrfile=FILE", rr_words[mode]);
        return false;
    }
    if (!ic->has_shift) {
        error_set(errp, "rr=%s needs shift=N or shift=auto", rr_words[mode]);
        return false;
    }
    return true;
}

bool opt_icount(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    IcountOption *ic = &o->icount;
    bool align = false;
    *ic = (IcountOption){ .given = true, .arg = arg, .sleep = true,
                          .mode = ICOUNT_FIXED };
    if (!icount_shift(ic, kv, errp) || !icount_rr(ic, kv, errp) ||
        !keyval_bool(kv, "sleep", &ic->sleep, errp) ||
        !keyval_bool(kv, "align", &align, errp)) {
        return false;
    }
    if (align) {
        error_set(errp, "Parameter 'align' can only be off: a guest that is "
                  "too fast is not held back");
        return false;
    }
    if (!ic->sleep && ic->mode == ICOUNT_AUTO) {
        error_set(errp, "shift=auto and sleep=off are incompatible");
        return false;
    }
    if (!ic->has_shift) {
        error_set(errp, "shift=N or shift=auto is needed");
        return false;
    }
    return true;
}
