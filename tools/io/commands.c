/*
 * The table of reprise-io's commands, and lines split into words.
 */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"

static int io_quit(IoSession *s, int argc, char **argv)
{
    s->done = true;
    return 0;
}

static int io_nothing(IoSession *s, int argc, char **argv)
{
    return 0;
}

static int io_abort(IoSession *s, int argc, char **argv)
{
    fflush(stdout);
    abort();
}

static int io_sigraise(IoSession *s, int argc, char **argv)
{
    uint64_t number;
    if (!io_number(argv[1], &number) || number > 64) {
        return -1;
    }
    fflush(stdout);
    return raise(number);
}

static int io_sleep(IoSession *s, int argc, char **argv)
{
    uint64_t ms;
    if (!io_number(argv[1], &ms) || ms > 3600000) {
        return -1;
    }
    g_usleep(ms * 1000);
    return 0;
}

/* Requests cannot be stopped on their way: there is no blkdebug. */
static int io_no_breaks(IoSession *s, int argc, char **argv)
{
    printf("%s: not supported: a request is over when it was asked for, and "
           "stops nowhere\n", argv[0]);
    return -1;
}

const IoCommand io_commands[] = {
    { "abort", NULL, io_abort, 0, 0, true, "",
      "simulate a program crash using abort(3)" },
    { "aio_flush", NULL, io_flush, 0, 0, false, "",
      "completes all outstanding aio requests" },
    { "aio_read", NULL, io_aio_read, 2, -1, false,
      "[-Ciqv] [-P pattern] off len [len..]",
      "asynchronously reads a number of bytes" },
    { "aio_write", NULL, io_aio_write, 2, -1, false,
      "[-Cfiquz] [-P pattern] off len [len..]",
      "asynchronously writes a number of bytes" },
    { "alloc", "a", io_alloc, 1, 2, false, "offset [count]",
      "checks if offset is allocated in the file" },
    { "break", NULL, io_no_breaks, 2, 2, false, "event tag",
      "refused: requests stop nowhere" },
    { "close", "c", io_close, 0, 0, false, "", "close the current open file" },
    { "discard", "d", io_discard, 2, -1, false, "[-Cq] off len",
      "discards a number of bytes at a specified offset" },
    { "flush", "f", io_flush, 0, 0, false, "",
      "flush all in-core file state to disk" },
    { "help", "?", io_help, 0, 1, true, "[command]",
      "help for one or all commands" },
    { "info", "i", io_info, 0, 0, false, "",
      "prints information about the current file" },
    { "length", "l", io_length, 0, 0, false, "",
      "gets the length of the current file" },
    { "map", NULL, io_map, 0, 1, false, "",
      "prints the allocated areas of a file" },
    { "open", "o", io_open, 1, -1, true,
      "[-rCnkU] [-t cache] [-d discard] [-o options] [path]",
      "open the file specified by path" },
    { "quit", "q", io_quit, 0, 0, true, "", "exit the program" },
    { "read", "r", io_read, 2, -1, false,
      "[-abCqv] [-P pattern [-s off] [-l len]] off len",
      "reads a number of bytes at a specified offset" },
    { "readv", "rv", io_readv, 2, -1, false,
      "[-Cqv] [-P pattern] off len [len..]",
      "reads a number of bytes at a specified offset" },
    { "remove_break", NULL, io_no_breaks, 1, 1, false, "tag",
      "refused: requests stop nowhere" },
    { "reopen", NULL, io_reopen, 0, -1, false, "[(-r|-w)] [-c cache]",
      "reopens an image with new options" },
    { "resume", NULL, io_no_breaks, 1, 1, false, "tag",
      "refused: requests stop nowhere" },
    { "sigraise", NULL, io_sigraise, 1, 1, true, "signal",
      "raises a signal" },
    { "sleep", NULL, io_sleep, 1, 1, true, "",
      "waits for the given value in milliseconds" },
    { "truncate", "t", io_truncate, 1, 3, false, "[-m prealloc_mode] off",
      "truncates the current file at the given offset" },
    { "wait_break", NULL, io_no_breaks, 1, 1, false, "tag",
      "refused: requests stop nowhere" },
    { "write", "w", io_write, 2, -1, false,
      "[-bcCfnquz] [-P pattern | -s source_file] off len",
      "writes a number of bytes at a specified offset" },
    { "writev", "wv", io_writev, 2, -1, false,
      "[-Cfq] [-P pattern] off len [len..]",
      "writes a number of bytes at a specified offset" },
    { "#", NULL, io_nothing, 0, -1, true, "", "a comment" },
    { NULL, NULL, NULL, 0, 0, false, NULL, NULL },
};

const IoCommand *io_command_find(const char *name)
{
    for (const IoCommand *c = io_commands; c->name; c++) {
        if (strcmp(c->name, name) == 0 ||
            (c->alias && strcmp(c->alias, name) == 0)) {
            return c;
        }
    }
    return NULL;
}

void io_usage(const IoCommand *c)
{
    printf("%s%s%s -- %s\n", c->name, *c->args ? " " : "", c->args, c->what);
}

int io_help(IoSession *s, int argc, char **argv)
{
    const IoCommand *one = argc > 1 ? io_command_find(argv[1]) : NULL;
    if (argc > 1 && !one) {
        printf("command %s not found\n", argv[1]);
        return 0;
    }
    for (const IoCommand *c = io_commands; c->name; c++) {
        if (!one || one == c) {
            io_usage(c);
        }
    }
    if (!one) {
        printf("\nUse 'help commandname' for extended help.\n");
    }
    return 0;
}

void io_describe(void)
{
    json_t *commands = json_array();
    for (const IoCommand *c = io_commands; c->name; c++) {
        json_array_append_new(commands, json_pack(
            "{s:s, s:s, s:s, s:[]}", "name", c->name, "operands", c->args,
            "summary", c->what, "options"));
    }
    json_t *o = json_pack("{s:s, s:s, s:o}", "program", "reprise-io",
                          "summary", "reads and writes of disk images, one "
                          "by one", "commands", commands);
    char *text = json_dumps(o, JSON_INDENT(4));
    printf("%s\n", text);
    free(text);
    json_decref(o);
}

/* The counts as other programs name them. */
static bool count_good(const IoCommand *c, int args)
{
    if (args >= c->least && (c->most < 0 || args <= c->most)) {
        return true;
    }
    printf("bad argument count %d to %s, expected ", args, c->name);
    if (c->most < 0) {
        printf("at least %d arguments\n", c->least);
    } else if (c->least == c->most) {
        printf("exactly %d arguments\n", c->least);
    } else {
        printf("between %d and %d arguments\n", c->least, c->most);
    }
    return false;
}

int io_line(IoSession *s, const char *line)
{
    /* Words are what lies between blanks, as everywhere in this language. */
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autofree char *copy = g_strdup(line);
    char *rest = copy;
    for (char *w; (w = strsep(&rest, " \t\n"));) {
        if (*w) {
            g_ptr_array_add(words, w);
        }
    }
    int argc = words->len;
    g_ptr_array_add(words, NULL);
    if (argc == 0) {
        return 0;
    }
    char **argv = (char **)words->pdata;
    const IoCommand *c = io_command_find(argv[0]);
    if (!c) {
        printf("command \"%s\" not found\n", argv[0]);
        return -1;
    }
    if (!c->closed && !s->image) {
        fprintf(stderr, "no file open, try 'help open'\n");
        return -1;
    }
    argv[0] = (char *)c->name;
    return count_good(c, argc - 1) ? c->run(s, argc, argv) : -1;
}
