/*
 * Framing of the gdb remote serial protocol: $data#checksum, acks, escapes
 * (GDB manual, "Remote Protocol: Overview"). Private to gdbstub/.
 */
#ifndef GDBSTUB_PACKET_H
#define GDBSTUB_PACKET_H

#include "base/types.h"

/* The longest packet we take, bytes between '$' and '#'. */
#define PACKET_MAX 0x4000u

typedef enum PacketEvent {
    PACKET_NONE,           /* nothing complete yet */
    PACKET_READY,          /* reader->data holds a packet, NUL-terminated */
    PACKET_BAD,            /* wrong checksum or too long: ask again */
    PACKET_ACK,
    PACKET_NAK,
    PACKET_INTERRUPT,      /* a 0x03 outside a packet */
} PacketEvent;

typedef struct PacketReader {
    enum { READ_IDLE, READ_DATA, READ_ESCAPE, READ_SUM1, READ_SUM2 } state;
    GByteArray *data;
    uint8_t sum, want;
    bool too_long;
} PacketReader;

void packet_reader_init(PacketReader *r);
void packet_reader_free(PacketReader *r);
/* Eats one byte. */
PacketEvent packet_reader_feed(PacketReader *r, uint8_t byte);

/* The frame around len bytes; binary data is escaped. The caller frees it. */
GByteArray *packet_frame(const void *data, size_t len);

/* Appends bytes as hex digits. */
void packet_put_hex(GString *out, const void *data, size_t len);
/* Reads 2 * len hex digits; false if there are fewer or others. */
bool packet_get_hex(const char *text, void *out, size_t len);
/* Reads a hex number and moves *p behind it; false if there is none or it
 * has more than 64 bits. */
bool packet_get_number(const char **p, uint64_t *v);
/* Eats the character c; false if another is there. */
bool packet_get_char(const char **p, char c);

#endif
