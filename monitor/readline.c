/*
 * Line editing for the human monitor: the usual control characters, arrow
 * keys, history, and completion.
 *
 * Works on any chardev with VT100 sequences. The line is redrawn from the
 * cursor on; nothing is assumed about the terminal's width.
 */
#include "monitor.h"

#define LINE_MAX_BYTES 4096
#define HISTORY_MAX 64

struct Readline {
    Chardev *chr;
    const char *prompt;
    ReadlineDone *done;
    ReadlineComplete *complete; /* NULL: there is none */
    void *opaque;
    GString *line;
    size_t cursor;
    GPtrArray *history;    /* char * */
    guint history_at;      /* == history->len: the line being typed */
    enum { KEY_PLAIN, KEY_ESC, KEY_CSI } state;
    unsigned csi_number;
};

Readline *readline_new(Chardev *chr, const char *prompt, ReadlineDone *done,
                       void *opaque)
{
    Readline *r = g_new0(Readline, 1);
    r->chr = chr;
    r->prompt = prompt;
    r->done = done;
    r->opaque = opaque;
    r->line = g_string_new(NULL);
    r->history = g_ptr_array_new_with_free_func(g_free);
    return r;
}

void readline_set_complete(Readline *r, ReadlineComplete *complete)
{
    r->complete = complete;
}

void readline_free(Readline *r)
{
    g_string_free(r->line, TRUE);
    g_ptr_array_free(r->history, TRUE);
    g_free(r);
}

static void put(Readline *r, const char *text)
{
    chardev_write(r->chr, text, strlen(text));
}

void readline_show_prompt(Readline *r)
{
    g_string_truncate(r->line, 0);
    r->cursor = 0;
    r->history_at = r->history->len;
    put(r, r->prompt);
}

/* Moves the terminal's cursor back by n columns. */
static void back(Readline *r, size_t n)
{
    if (n) {
        g_autofree char *seq = g_strdup_printf("\033[%zuD", n);
        put(r, seq);
    }
}

/* Draws from the cursor to the end, and returns there. */
static void redraw_tail(Readline *r)
{
    put(r, "\033[K");
    put(r, r->line->str + r->cursor);
    back(r, r->line->len - r->cursor);
}

static void move_to(Readline *r, size_t pos)
{
    back(r, r->cursor);
    r->cursor = 0;
    chardev_write(r->chr, r->line->str, pos);
    r->cursor = pos;
}

static void erase(Readline *r, size_t from, size_t to)
{
    if (from == to) {
        return;
    }
    move_to(r, from);
    g_string_erase(r->line, from, to - from);
    redraw_tail(r);
}

static void insert(Readline *r, const char *text, size_t len)
{
    if (r->line->len + len > LINE_MAX_BYTES) {
        return;
    }
    g_string_insert_len(r->line, r->cursor, text, len);
    chardev_write(r->chr, text, len);
    r->cursor += len;
    if (r->cursor < r->line->len) {
        redraw_tail(r);
    }
}

static void replace(Readline *r, const char *text)
{
    erase(r, 0, r->line->len);
    insert(r, text, strlen(text));
}

static void remember(Readline *r)
{
    const char *last = r->history->len
        ? g_ptr_array_index(r->history, r->history->len - 1) : "";
    if (!r->line->len || g_str_equal(last, r->line->str)) {
        return;
    }
    if (r->history->len == HISTORY_MAX) {
        g_ptr_array_remove_index(r->history, 0);
    }
    g_ptr_array_add(r->history, g_strdup(r->line->str));
}

static void enter(Readline *r)
{
    put(r, "\r\n");
    remember(r);
    g_autofree char *line = g_strdup(r->line->str);
    g_string_truncate(r->line, 0);
    r->cursor = 0;
    r->done(r->opaque, line);
}

static void history_go(Readline *r, int step)
{
    guint at = r->history_at + step;
    if (at > r->history->len) {
        return;
    }
    r->history_at = at;
    replace(r, at < r->history->len ? g_ptr_array_index(r->history, at) : "");
}

/* How many bytes all of them begin with. */
static size_t common_bytes(const GPtrArray *names)
{
    const char *first = g_ptr_array_index(names, 0);
    size_t n = strlen(first);
    for (guint i = 1; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        size_t same = 0;
        while (same < n && name[same] == first[same]) {
            same++;
        }
        n = same;
    }
    return n;
}

/* In columns as wide as the longest, on a terminal of 80. */
static void print_columns(Readline *r, const GPtrArray *names)
{
    enum { TERMINAL = 80, GAP = 2 };
    size_t widest = 0;
    for (guint i = 0; i < names->len; i++) {
        widest = MAX(widest, strlen(g_ptr_array_index(names, i)));
    }
    guint columns = MAX(TERMINAL / (widest + GAP), 1);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        bool last = (i + 1) % columns == 0 || i + 1 == names->len;
        g_autofree char *cell = g_strdup_printf(
            "%s%-*s", i % columns ? "" : "\r\n",
            last ? 0 : (int)(widest + GAP), name);
        put(r, cell);
    }
    put(r, "\r\n");
}

/* Puts in what is certain, and shows what there is if that is nothing. */
static void complete(Readline *r)
{
    size_t at = 0;
    g_autofree char *typed = g_strdup(r->line->str);
    if (!r->complete || r->cursor < r->line->len) {
        return;
    }
    g_autoptr(GPtrArray) names = r->complete(r->opaque, typed, &at);
    size_t have = strlen(typed) - at;
    size_t common = names->len ? common_bytes(names) : 0;
    if (common > have) {
        const char *name = g_ptr_array_index(names, 0);
        insert(r, name + have, common - have);
    }
    if (names->len == 1) {
        insert(r, " ", 1);
    } else if (names->len && common == have) {
        print_columns(r, names);
        readline_show_prompt(r);
        insert(r, typed, strlen(typed));
    }
}

static size_t word_start(const Readline *r)
{
    size_t i = r->cursor;
    while (i && r->line->str[i - 1] == ' ') {
        i--;
    }
    while (i && r->line->str[i - 1] != ' ') {
        i--;
    }
    return i;
}

enum { CTRL_A = 1, CTRL_B = 2, CTRL_D = 4, CTRL_E = 5, CTRL_F = 6,
       CTRL_H = 8, CTRL_K = 11, CTRL_N = 14, CTRL_P = 16, CTRL_U = 21,
       CTRL_W = 23, DEL = 127 };

static void control(Readline *r, uint8_t byte)
{
    size_t len = r->line->len;
    switch (byte) {
    case '\r':
    case '\n':
        enter(r);
        break;
    case '\t':
        complete(r);
        break;
    case CTRL_A:
        move_to(r, 0);
        break;
    case CTRL_E:
        move_to(r, len);
        break;
    case CTRL_B:
        move_to(r, r->cursor ? r->cursor - 1 : 0);
        break;
    case CTRL_F:
        move_to(r, MIN(r->cursor + 1, len));
        break;
    case CTRL_D:
        erase(r, r->cursor, MIN(r->cursor + 1, len));
        break;
    case CTRL_H:
    case DEL:
        erase(r, r->cursor ? r->cursor - 1 : 0, r->cursor);
        break;
    case CTRL_K:
        erase(r, r->cursor, len);
        break;
    case CTRL_U:
        erase(r, 0, r->cursor);
        break;
    case CTRL_W:
        erase(r, word_start(r), r->cursor);
        break;
    case CTRL_P:
        history_go(r, -1);
        break;
    case CTRL_N:
        history_go(r, 1);
        break;
    }
}

/* The last byte of "ESC [ number byte", as the control character that means
 * the same; 0 if it means nothing. */
static uint8_t csi_meaning(uint8_t byte, unsigned number)
{
    static const char letters[] = "ABCDHF";
    static const uint8_t meaning[] = { CTRL_P, CTRL_N, CTRL_F, CTRL_B,
                                       CTRL_A, CTRL_E };
    static const uint8_t tilde[] = { 0, CTRL_A, 0, CTRL_D, CTRL_E };
    const char *at = strchr(letters, byte);
    if (at && byte) {
        return meaning[at - letters];
    }
    return byte == '~' && number < sizeof tilde ? tilde[number] : 0;
}

static void feed_csi(Readline *r, uint8_t byte)
{
    if (g_ascii_isdigit(byte)) {
        r->csi_number = MIN(r->csi_number * 10 + byte - '0', 1000);
        return;
    }
    r->state = KEY_PLAIN;
    control(r, csi_meaning(byte, r->csi_number));
}

void readline_feed(Readline *r, uint8_t byte)
{
    switch (r->state) {
    case KEY_ESC:
        r->state = byte == '[' || byte == 'O' ? KEY_CSI : KEY_PLAIN;
        r->csi_number = 0;
        return;
    case KEY_CSI:
        feed_csi(r, byte);
        return;
    case KEY_PLAIN:
        break;
    }
    if (byte == 27) {
        r->state = KEY_ESC;
    } else if (byte < ' ' || byte == DEL) {
        control(r, byte);
    } else {
        char c = byte;
        insert(r, &c, 1);
    }
}

const char *readline_history(const Readline *r, unsigned n)
{
    return n < r->history->len ? g_ptr_array_index(r->history, n) : NULL;
}
