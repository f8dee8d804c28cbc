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

/* Runs a QMP command and prints its error, if any; takes args, which may be
 * NULL. */
void hmp_relay(Hmp *h, const char *command, json_t *args);

/* The nth name; NULL behind the last. */
const char *hmp_command_name(unsigned n);
const char *hmp_info_name(unsigned n);

void hmp_info_help(Hmp *h);
void cmd_info(Hmp *h, const char *args);
void cmd_x(Hmp *h, const char *args);
void cmd_xp(Hmp *h, const char *args);
void cmd_print(Hmp *h, const char *args);
void cmd_replay_break(Hmp *h, const char *args);
void cmd_replay_delete_break(Hmp *h, const char *args);
void cmd_replay_seek(Hmp *h, const char *args);
void cmd_replay_branch(Hmp *h, const char *args);
void cmd_replay_return(Hmp *h, const char *args);
void cmd_replay_bookmark(Hmp *h, const char *args);
void cmd_replay_delete_bookmark(Hmp *h, const char *args);
void cmd_memsave(Hmp *h, const char *args);
void cmd_pmemsave(Hmp *h, const char *args);
void cmd_gva2gpa(Hmp *h, const char *args);
void cmd_qom_list(Hmp *h, const char *args);
void cmd_qom_get(Hmp *h, const char *args);
void cmd_log(Hmp *h, const char *args);
void cmd_logfile(Hmp *h, const char *args);
void cmd_set_link(Hmp *h, const char *args);
void cmd_announce_self(Hmp *h, const char *args);
void cmd_hostfwd_add(Hmp *h, const char *args);
void cmd_hostfwd_remove(Hmp *h, const char *args);
void cmd_balloon(Hmp *h, const char *args);
void info_balloon(Hmp *h, const char *args);
void cmd_cpu(Hmp *h, const char *args);
void cmd_replay_last_write(Hmp *h, const char *args);
void cmd_replay_last_exec(Hmp *h, const char *args);
void cmd_replay_history(Hmp *h, const char *args);
#define HMP_INFO(name, params, handler, help) HmpHandler info_##handler;
#include "hmp-info.def"
#undef HMP_INFO

#endif
