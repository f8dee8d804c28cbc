/*
 * Variable-length integers (LEB128: seven bits a byte, low ones first).
 *
 * Implemented by util/varint.c; used by the log (replay/).
 */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include "base/types.h"

#define VARINT_MAX_BYTES 10

/* Appends v. */
void varint_append(GByteArray *out, uint64_t v);

/* Reads one at *p, which moves behind it. False, with *p unspecified, if it
 * does not end before `end` or does not fit 64 bits. */
bool varint_read(const uint8_t **p, const uint8_t *end, uint64_t *v);

#endif
