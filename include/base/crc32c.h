/*
 * CRC-32C (Castagnoli), the checksum of logs and snapshot streams.
 *
 * Implemented by util/crc32c.c, with the host's instruction where there is
 * one; the value is the same on every host.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include "base/types.h"

/* The checksum of more data after data whose checksum was crc; 0 to begin. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
/* The same without the host's instruction; for tests. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
