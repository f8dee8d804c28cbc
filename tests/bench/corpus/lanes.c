/*
 * Instructions that compilers seldom emit by themselves: shuffles by value,
 * packs, saturation, sums of differences; from level 2 on blends and string
 * compares; from level 3 on gathers, shifts by lane and lanes across halves.
 */
#include <immintrin.h>

#include "corpus.h"

enum { BYTES = 512 };

static uint32_t fold(uint32_t sum, __m128i v)
{
    uint64_t half[2];
    _mm_storeu_si128((__m128i *)half, v);
    return mix_64(mix_64(sum, half[0]), half[1]);
}

static __m128i level1(__m128i a, __m128i b)
{
    __m128i s = _mm_sad_epu8(a, b);
    s = _mm_add_epi16(s, _mm_packs_epi32(_mm_srai_epi32(a, 7), b));
    s = _mm_xor_si128(s, _mm_packus_epi16(_mm_subs_epi16(a, b), s));
    s = _mm_add_epi8(s, _mm_avg_epu8(_mm_unpacklo_epi8(a, b), s));
    s = _mm_xor_si128(s, _mm_madd_epi16(s, _mm_unpackhi_epi16(b, a)));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(_mm_shufflelo_epi16(s, 0x1b), 0x4e));
    s = _mm_or_si128(s, _mm_andnot_si128(_mm_cmpgt_epi16(s, a), b));
    return _mm_insert_epi16(s, _mm_extract_epi16(s, 5) + _mm_movemask_epi8(s), 2);
}

#ifdef __SSE4_2__
static __m128i level2(__m128i a, __m128i b, uint32_t *sum)
{
    __m128i s = _mm_shuffle_epi8(a, b);
    s = _mm_blendv_epi8(s, a, b);
    s = _mm_add_epi32(s, _mm_mullo_epi32(a, b));
    s = _mm_alignr_epi8(s, b, 5);
    s = _mm_xor_si128(s, _mm_cvtepi8_epi16(s));
    s = _mm_max_epi32(s, _mm_blend_epi16(a, s, 0x5a));
    s = _mm_add_epi16(s, _mm_hadd_epi16(_mm_abs_epi8(s), a));
    s = _mm_xor_si128(s, _mm_cmpistrm(a, b, 0x40));
    *sum = mix(*sum, _mm_cmpistri(s, a, 0x18) + 32 * _mm_testz_si128(s, a));
    *sum = mix(*sum, _mm_cmpestri(s, 11, b, 7, 0x0c));
    s = _mm_mpsadbw_epu8(s, a, 3);
    return _mm_insert_epi32(s, _mm_extract_epi32(s, 3), 1);
}
#else
static __m128i level2(__m128i a, __m128i b, uint32_t *sum)
{
    *sum = mix(*sum, 2);
    return _mm_xor_si128(a, b);
}
#endif

#ifdef __AVX2__
static __m128i level3(__m128i a, __m128i b, const int *data)
{
    __m256i w = _mm256_set_m128i(a, b), index = _mm256_and_si256(
        w, _mm256_set1_epi32(BYTES / 4 - 1));
    __m256i v = _mm256_i32gather_epi32(data, index, 4);
    v = _mm256_add_epi32(v, _mm256_permutevar8x32_epi32(w, index));
    v = _mm256_xor_si256(v, _mm256_permute4x64_epi64(v, 0x63));
    v = _mm256_xor_si256(v, _mm256_sllv_epi32(w, _mm256_and_si256(
        w, _mm256_set1_epi32(31))));
    v = _mm256_blendv_epi8(v, w, _mm256_permute2x128_si256(v, w, 0x21));
    v = _mm256_add_epi64(v, _mm256_cvtepu32_epi64(a));
    v = _mm256_shuffle_epi8(v, w);
    v = _mm256_xor_si256(v, _mm256_i64gather_epi64(
        (const long long *)data, _mm256_and_si256(
            w, _mm256_set1_epi64x(BYTES / 8 - 1)), 8));
    v = _mm256_add_epi32(v, _mm256_broadcastd_epi32(b));
    return _mm_xor_si128(_mm256_castsi256_si128(v),
                         _mm256_extracti128_si256(v, 1));
}
#else
static __m128i level3(__m128i a, __m128i b, const int *data)
{
    return _mm_add_epi32(_mm_xor_si128(a, b), _mm_set1_epi32(data[0]));
}
#endif

uint32_t lanes(uint32_t size)
{
    __m128i *data = (__m128i *)corpus_heap;
    uint32_t *words = (uint32_t *)data, seed = 45, sum = 0;
    for (int i = 0; i < BYTES / 4; i++) {
        words[i] = random_next(&seed);
    }
    __m128i s = _mm_setzero_si128();
    for (uint32_t round = 0; round < size; round++) {
        for (int i = 0; i + 1 < BYTES / 16; i++) {
            __m128i a = _mm_add_epi8(data[i], s), b = data[i + 1];
            s = _mm_add_epi8(s, level1(a, b));
            s = _mm_xor_si128(s, level2(s, b, &sum));
            s = _mm_xor_si128(s, level3(s, a, (const int *)data));
        }
        sum = fold(sum, s);
    }
    return sum;
}
