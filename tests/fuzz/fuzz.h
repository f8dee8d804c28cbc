/*
 * What the fuzz targets share. A target is one function that takes any bytes;
 * it may end in any way but a crash, and leaves nothing behind that the next
 * input could notice.
 *
 * Called by libFuzzer (-Dfuzz=true), or by corpus.c, which feeds it files.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include "base/error.h"
#include "base/types.h"

/* Names are libFuzzer's. The result is always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An input that is taken from the front; behind its end are zeroes. */
typedef struct FuzzInput {
    const uint8_t *data;
    size_t len;
} FuzzInput;

uint8_t fuzz_u8(FuzzInput *in);
uint64_t fuzz_int(FuzzInput *in, unsigned bytes);
/* At most len bytes; how many there were is in *got. */
const uint8_t *fuzz_bytes(FuzzInput *in, size_t len, size_t *got);

/* A file of these bytes, the same one every time; it goes with the process.
 * The path is valid until then. */
const char *fuzz_file(const void *data, size_t len);
/* An error that the input may well cause: that it has a text is checked. */
void fuzz_expect(Error *err);

#endif
