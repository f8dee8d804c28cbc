/*
 * -sandbox, and what else is small and about the program: -echr,
 * -watchdog-action.
 */
#include "options.h"

/* ORDER sandbox-word */
enum { WORD_ALLOW, WORD_DENY, WORD_CHILDREN };

bool opt_sandbox(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    static const char *const words[] = { "allow", "deny", NULL };
    static const char *const wider[] = { "allow", "deny", "children", NULL };
    unsigned obsolete = WORD_DENY, elevation = WORD_ALLOW;
    unsigned spawn = WORD_ALLOW, resources = WORD_ALLOW;
    SandboxSpec *s = &o->sandbox;
    *s = (SandboxSpec){ .on = true };
    if (!keyval_bool(kv, "enable", &s->on, errp) ||
        !keyval_word(kv, "obsolete", words, &obsolete, errp) ||
        !keyval_word(kv, "elevateprivileges", wider, &elevation, errp) ||
        !keyval_word(kv, "spawn", words, &spawn, errp) ||
        !keyval_word(kv, "resourcecontrol", words, &resources, errp)) {
        return false;
    }
    if (elevation == WORD_CHILDREN) {
        error_set(errp, "Parameter 'elevateprivileges' can be allow or deny: "
                        "no program is run by this one");
        return false;
    }
    s->obsolete = obsolete == WORD_ALLOW;
    s->no_elevation = elevation == WORD_DENY;
    s->no_spawn = spawn == WORD_DENY;
    s->no_resources = resources == WORD_DENY;
    return true;
}

bool opt_echr(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    uint64_t code;
    bool ok = keyval_parse_number(arg, &code) && code && code < 256;
    if (ok) {
        o->escape = code;
    } else {
        error_set(errp, "'%s' is not the number of a character (1 to 255)",
                  arg);
    }
    return ok;
}

bool opt_watchdog_action(Options *o, const char *arg, KeyVal *kv, Error **errp)
{
    g_autofree char *text = g_strconcat("watchdog=", arg, NULL);
    return options_take(o, "action", text, errp);
}
