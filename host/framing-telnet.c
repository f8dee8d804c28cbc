/*
 * Telnet (RFC 854): options (RFC 855) for a client that sends each key at once
 * and echoes nothing (RFC 857, 858), eight bits wide (RFC 856). What the peer
 * asks for beyond that is not answered, which is a refusal of what is on offer
 * only: nothing that matters is off by default.
 */
#include "framing.h"

enum { SE = 240, SB = 250, WILL, WONT, DO, DONT, IAC };
enum { OPTION_BINARY = 0, OPTION_ECHO = 1, OPTION_NO_GO_AHEAD = 3 };

typedef enum TelnetState {
    TELNET_DATA,
    TELNET_COMMAND,            /* behind IAC */
    TELNET_OPTION,             /* behind WILL, WONT, DO, DONT */
    TELNET_SUB,                /* in a subnegotiation */
    TELNET_SUB_COMMAND,        /* behind IAC in one */
} TelnetState;

typedef struct Telnet {
    Framing f;
    TelnetState state;
} Telnet;

static void telnet_begin(Framing *f, GByteArray *out)
{
    static const uint8_t words[] = {
        IAC, WILL, OPTION_ECHO, IAC, WILL, OPTION_NO_GO_AHEAD,
        IAC, WILL, OPTION_BINARY, IAC, DO, OPTION_BINARY,
    };
    g_byte_array_append(out, words, sizeof words);
    f->ready = true;
}

static TelnetState after_command(uint8_t byte)
{
    if (byte == SB) {
        return TELNET_SUB;
    }
    return byte >= WILL && byte <= DONT ? TELNET_OPTION : TELNET_DATA;
}

/* True if the byte is the user's. */
static bool telnet_byte(Telnet *t, uint8_t byte)
{
    switch (t->state) {
    case TELNET_DATA:
        t->state = byte == IAC ? TELNET_COMMAND : TELNET_DATA;
        return byte != IAC;
    case TELNET_COMMAND:
        t->state = after_command(byte);
        return byte == IAC;    /* doubled: it is data */
    case TELNET_OPTION:
        t->state = TELNET_DATA;
        return false;
    case TELNET_SUB:
        t->state = byte == IAC ? TELNET_SUB_COMMAND : TELNET_SUB;
        return false;
    case TELNET_SUB_COMMAND:
        t->state = byte == SE ? TELNET_DATA : TELNET_SUB;
        return false;
    }
    g_assert_not_reached();
}

static ssize_t telnet_decode(Framing *f, uint8_t *data, size_t len,
                             GByteArray *out)
{
    size_t kept = 0;
    for (size_t i = 0; i < len; i++) {
        if (telnet_byte((Telnet *)f, data[i])) {
            data[kept++] = data[i];
        }
    }
    return kept;
}

static void telnet_encode(Framing *f, const uint8_t *data, size_t len,
                          GByteArray *out)
{
    static const uint8_t iac = IAC;
    for (size_t i = 0; i < len; i++) {
        if (data[i] == IAC) {
            g_byte_array_append(out, &iac, 1);
        }
        g_byte_array_append(out, data + i, 1);
    }
}

static void telnet_free(Framing *f)
{
    g_free(f);
}

static const FramingOps telnet_ops = { telnet_begin, telnet_decode,
                                       telnet_encode, telnet_free };

Framing *framing_telnet_new(void)
{
    Telnet *t = g_new0(Telnet, 1);
    t->f.ops = &telnet_ops;
    return &t->f;
}
