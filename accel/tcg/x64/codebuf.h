/*
 * Memory for generated code, mapped twice: writable and executable, never
 * both at one address. Used by native back ends; they fill it from the start
 * and empty it whole.
 */
#ifndef ACCEL_TCG_CODEBUF_H
#define ACCEL_TCG_CODEBUF_H

#include "base/types.h"

typedef struct CodeBuf {
    uint8_t *rw;           /* where code is written */
    ptrdiff_t rx;          /* rw + rx: where it runs */
    uint64_t size, used;   /* bytes */
} CodeBuf;

/* Maps size bytes (of address space: pages come with use). False: the host
 * does not allow executable memory; errno says why. */
bool codebuf_init(CodeBuf *b, uint64_t size);
void codebuf_free(CodeBuf *b);

#endif
