/*
 * WebSocket, the server's side (RFC 6455): the opening handshake (section 4),
 * then frames (section 5). Bytes come in text or binary frames of any length,
 * and go out in binary ones.
 */
#include <string.h>

#include "framing.h"

/* Behind the client's key, 1.3. */
#define ACCEPT_GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
/* A handshake is a few lines of text. */
#define HANDSHAKE_MAX 4096u
#define CONTROL_MAX   125u     /* 5.5: content of a control frame */

enum { OP_CONTINUE, OP_TEXT, OP_BINARY, OP_CLOSE = 8, OP_PING, OP_PONG };
enum { FRAME_FINAL = 0x80, FRAME_MASKED = 0x80, HEAD_MAX = 14 };

typedef struct WebSocket {
    Framing f;
    GString *handshake;        /* until it is whole */
    uint8_t head[HEAD_MAX];    /* of a frame, as far as it is there */
    unsigned head_bytes;
    uint64_t left;             /* content of the frame that is still to come */
    unsigned opcode, mask_at;
    uint8_t mask[4];
    uint8_t control[CONTROL_MAX];
    unsigned control_bytes;
} WebSocket;

/* --- the handshake ------------------------------------------------------------- */

/* The value of a header, whatever the case of its name; NULL: it is not
 * there. */
static char *header(const char *text, const char *name)
{
    g_auto(GStrv) lines = g_strsplit(text, "\r\n", -1);
    size_t len = strlen(name);
    for (char **line = lines; *line; line++) {
        if (!g_ascii_strncasecmp(*line, name, len) && (*line)[len] == ':') {
            return g_strstrip(g_strdup(*line + len + 1));
        }
    }
    return NULL;
}

static void append_text(GByteArray *out, const char *text)
{
    g_byte_array_append(out, (const uint8_t *)text, strlen(text));
}

static char *accept_key(const char *key)
{
    guint8 digest[20];
    gsize bytes = sizeof digest;
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA1);
    g_checksum_update(sum, (const guchar *)key, -1);
    g_checksum_update(sum, (const guchar *)ACCEPT_GUID, -1);
    g_checksum_get_digest(sum, digest, &bytes);
    return g_base64_encode(digest, bytes);
}

/* False: it is none that a WebSocket begins with. */
static bool answer_handshake(const char *text, GByteArray *out)
{
    g_autofree char *key = header(text, "Sec-WebSocket-Key");
    g_autofree char *version = header(text, "Sec-WebSocket-Version");
    g_autofree char *protocol = header(text, "Sec-WebSocket-Protocol");
    if (!g_str_has_prefix(text, "GET ") || !key || !version ||
        !g_str_equal(version, "13")) {
        append_text(out, "HTTP/1.1 400 Bad Request\r\n"
                         "Sec-WebSocket-Version: 13\r\n"
                         "Connection: close\r\n\r\n");
        return false;
    }
    g_autofree char *accept = accept_key(key);
    bool binary = protocol && strstr(protocol, "binary");
    g_autofree char *answer = g_strconcat(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Accept: ", accept, "\r\n",
        binary ? "Sec-WebSocket-Protocol: binary\r\n" : "", "\r\n", NULL);
    append_text(out, answer);
    return true;
}

/* Takes bytes of the handshake; how many, or -1. */
static ssize_t take_handshake(WebSocket *w, const uint8_t *data, size_t len,
                              GByteArray *out)
{
    for (size_t i = 0; i < len; i++) {
        g_string_append_c(w->handshake, data[i]);
        if (g_str_has_suffix(w->handshake->str, "\r\n\r\n")) {
            w->f.ready = answer_handshake(w->handshake->str, out);
            return w->f.ready ? (ssize_t)i + 1 : -1;
        }
        if (w->handshake->len > HANDSHAKE_MAX) {
            return -1;
        }
    }
    return len;
}

/* --- frames ---------------------------------------------------------------------- */

static void put_frame(GByteArray *out, unsigned opcode, const uint8_t *data,
                      size_t len)
{
    uint8_t head[10] = { FRAME_FINAL | opcode };
    unsigned bytes = 2;
    if (len <= CONTROL_MAX) {
        head[1] = len;
    } else if (len <= UINT16_MAX) {
        head[1] = 126;
        bytes = 4;
    } else {
        head[1] = 127;
        bytes = 10;
    }
    for (unsigned i = 2; i < bytes; i++) {
        head[i] = (uint64_t)len >> 8 * (bytes - 1 - i);
    }
    g_byte_array_append(out, head, bytes);
    g_byte_array_append(out, data, len);
}

/* Bytes of a frame's head, as far as its first two tell: length, mask. */
static unsigned head_size(const WebSocket *w)
{
    unsigned length = w->head[1] & 0x7f;
    return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + 4;
}

/* The head is whole. False: the frame is none that a client may send. */
static bool begin_frame(WebSocket *w)
{
    unsigned size = head_size(w), length = w->head[1] & 0x7f;
    bool control = w->head[0] & 8;
    w->left = length < 126 ? length : 0;
    for (unsigned i = 2; i < size - 4; i++) {
        w->left = w->left << 8 | w->head[i];
    }
    memcpy(w->mask, w->head + size - 4, 4);
    w->opcode = w->head[0] & 0xf;
    w->mask_at = w->control_bytes = w->head_bytes = 0;
    return !control || (w->left <= CONTROL_MAX && (w->head[0] & FRAME_FINAL));
}

/* A control frame has come. False: it was the last frame. */
static bool take_control(WebSocket *w, GByteArray *out)
{
    if (w->opcode == OP_PING) {
        put_frame(out, OP_PONG, w->control, w->control_bytes);
    } else if (w->opcode == OP_CLOSE) {
        put_frame(out, OP_CLOSE, w->control, w->control_bytes);
    }
    return w->opcode != OP_CLOSE;
}

/* A byte of a head. False: hang up. */
static bool take_head(WebSocket *w, uint8_t byte, GByteArray *out)
{
    w->head[w->head_bytes++] = byte;
    if (w->head_bytes == 2 && !(byte & FRAME_MASKED)) {
        return false;          /* 5.1: a client masks */
    }
    if (w->head_bytes < 2 || w->head_bytes < head_size(w)) {
        return true;
    }
    return begin_frame(w) &&
           (w->left || w->opcode < OP_CLOSE || take_control(w, out));
}

/* A byte of content: *kept grows if it is the user's. False: hang up. */
static bool take_content(WebSocket *w, uint8_t byte, uint8_t **kept,
                         GByteArray *out)
{
    byte ^= w->mask[w->mask_at++ & 3];
    w->left--;
    if (w->opcode < OP_CLOSE) {
        *(*kept)++ = byte;
        return true;
    }
    w->control[w->control_bytes++] = byte;
    return w->left || take_control(w, out);
}

static ssize_t websocket_decode(Framing *f, uint8_t *data, size_t len,
                                GByteArray *out)
{
    WebSocket *w = (WebSocket *)f;
    uint8_t *kept = data;
    size_t i = 0;
    if (!f->ready) {
        ssize_t n = take_handshake(w, data, len, out);
        if (n < 0) {
            return -1;
        }
        i = n;
    }
    for (; i < len; i++) {
        bool ok = w->left ? take_content(w, data[i], &kept, out)
                          : take_head(w, data[i], out);
        if (!ok) {
            return -1;
        }
    }
    return kept - data;
}

static void websocket_encode(Framing *f, const uint8_t *data, size_t len,
                             GByteArray *out)
{
    put_frame(out, OP_BINARY, data, len);
}

/* The client speaks first. */
static void websocket_begin(Framing *f, GByteArray *out)
{
}

static void websocket_free(Framing *f)
{
    g_string_free(((WebSocket *)f)->handshake, TRUE);
    g_free(f);
}

static const FramingOps websocket_ops = {
    websocket_begin, websocket_decode, websocket_encode, websocket_free
};

Framing *framing_websocket_new(void)
{
    WebSocket *w = g_new0(WebSocket, 1);
    w->f.ops = &websocket_ops;
    w->handshake = g_string_new(NULL);
    return &w->f;
}
