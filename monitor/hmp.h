/*
 * What the HMP files share.
 */
#ifndef MONITOR_HMP_H
#define MONITOR_HMP_H

#include "monitor.h"
#include "svc/snapshot.h"

/* args: the rest of the line. */
typedef void HmpHandler(Hmp *h, const char *args);

/* The next word of *args (to be freed, "" at the end); false at the end. */
bool hmp_word(const char **args, char **word);
/* True if nothing but blanks is left; complains otherwise. */
bool hmp_end(Hmp *h, const char *command, const char *args);

void hmp_info_help(Hmp *h);
void cmd_info(Hmp *h, const char *args);
void cmd_x(Hmp *h, const char *args);
void cmd_xp(Hmp *h, const char *args);
void cmd_print(Hmp *h, const char *args);

#endif
