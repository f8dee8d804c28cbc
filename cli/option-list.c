/*
 * The options of options.def for those who ask a running program what it takes
 * (QMP's query-command-line-options).
 */
#include "options.h"

extern const ProgramOption program_options[]; /* parts.c */

#define GROUP(title)
#define OPTION(name, alias, argument, keys, handler, help) \
    { name, keys },
const ProgramOption program_options[] = {
#include "options.def"
    { NULL, NULL },
};
