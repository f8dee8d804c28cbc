/*
 * CRC-32C: reflected polynomial 0x82f63b78, as iSCSI (RFC 3720, appendix
 * B.4) and SSE4.2 define it. See base/crc32c.h.
 */
#include "base/crc32c.h"

#include "base/bytes.h"

#define POLYNOMIAL UINT32_C(0x82f63b78)

typedef uint32_t CrcFn(uint32_t crc, const uint8_t *p, size_t len);

/* Inner functions work on the complemented register. */
static uint32_t crc_table[256];

static void table_init(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++) {
            v = (v >> 1) ^ (v & 1 ? POLYNOMIAL : 0);
        }
        crc_table[i] = v;
    }
}

static uint32_t crc_bytes(uint32_t crc, const uint8_t *p, size_t len)
{
    while (len--) {
        crc = (crc >> 8) ^ crc_table[(crc ^ *p++) & 0xff];
    }
    return crc;
}

#if defined(__x86_64__)

#include <immintrin.h>

__attribute__((target("sse4.2")))
static uint32_t crc_host(uint32_t crc, const uint8_t *p, size_t len)
{
    uint64_t acc = crc;
    for (; len >= 8; len -= 8, p += 8) {
        acc = _mm_crc32_u64(acc, bytes_ld_le64(p));
    }
    for (; len; len--) {
        acc = _mm_crc32_u8(acc, *p++);
    }
    return acc;
}

static CrcFn *choose(void)
{
    return __builtin_cpu_supports("sse4.2") ? crc_host : crc_bytes;
}

#else

static CrcFn *choose(void)
{
    return crc_bytes;
}

#endif

static CrcFn *crc_fn(void)
{
    static CrcFn *fn;
    if (!fn) {
        table_init();
        fn = choose();
    }
    return fn;
}

uint32_t crc32c(uint32_t crc, const void *data, size_t len)
{
    return ~crc_fn()(~crc, data, len);
}

uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len)
{
    crc_fn();
    return ~crc_bytes(~crc, data, len);
}
