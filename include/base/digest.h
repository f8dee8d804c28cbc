/*
 * 64-bit digests of bytes, the same on every host. Header only, over xxHash's
 * XXH3 (docs/devel/dependencies.md).
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/types.h"

/* The digest of a buffer. */
static inline uint64_t digest_bytes(const void *data, size_t len)
{
    return XXH3_64bits(data, len);
}

/* Folds a digest or number into another; order matters. */
static inline uint64_t digest_mix(uint64_t acc, uint64_t v)
{
    uint64_t pair[2] = { GUINT64_TO_LE(acc), GUINT64_TO_LE(v) };
    return XXH3_64bits(pair, sizeof pair);
}

#endif
