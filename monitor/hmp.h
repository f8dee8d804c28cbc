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

/* Up to `most` words, to be freed; complains unless there are at least `least`
 * and nothing follows. */
bool hmp_words(Hmp *h, const char *command, const char *args, unsigned least,
               unsigned most, char **out);
void hmp_free_words(char **words, unsigned n);
/* Complains that an argument is missing. */
void hmp_expected(Hmp *h, const char *command, const char *what);
/* Takes "-x -y" at the start of *args; bit n of *found stands for letters[n].
 * Complains of others. */
bool hmp_flags(Hmp *h, const char *command, const char **args,
               const char *letters, unsigned *found);
/* The value of an expression; complains if it is none. */
bool hmp_number(Hmp *h, const char *text, uint64_t *out);
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
void cmd_dump_guest_memory(Hmp *h, const char *args);
void cmd_i(Hmp *h, const char *args);
void cmd_o(Hmp *h, const char *args);
void cmd_sum(Hmp *h, const char *args);
void cmd_mouse_move(Hmp *h, const char *args);
void cmd_mouse_button(Hmp *h, const char *args);
void cmd_mouse_set(Hmp *h, const char *args);
void cmd_gdbserver(Hmp *h, const char *args);
void cmd_chardev_add(Hmp *h, const char *args);
void cmd_chardev_remove(Hmp *h, const char *args);
void cmd_ringbuf_write(Hmp *h, const char *args);
void cmd_ringbuf_read(Hmp *h, const char *args);
void cmd_getfd(Hmp *h, const char *args);
void cmd_closefd(Hmp *h, const char *args);
void cmd_cpu(Hmp *h, const char *args);
void cmd_replay_last_write(Hmp *h, const char *args);
void cmd_replay_last_exec(Hmp *h, const char *args);
void cmd_replay_history(Hmp *h, const char *args);
#define HMP_INFO(name, params, handler, help) HmpHandler info_##handler;
#include "hmp-info.def"
#undef HMP_INFO

#endif
