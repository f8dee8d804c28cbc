/*
 * x87 states of cases: images of FNSAVE with 32-bit words.
 */
#ifndef TESTS_FPU_STATE_H
#define TESTS_FPU_STATE_H

#include <stdio.h>

#include "isa.h"
#include "x87.h"

/* A random image, and random operands for x87 rows. */
void fpu_random(uint8_t *image);
/* Vectors in the registers. */
void fpu_random_mmx(uint8_t *image);
void fpu_random_memory(uint8_t *data, unsigned bytes);
/* Masks underflow and inexact. */
void fpu_mask_underflow(uint8_t *image);
/* All exceptions are masked, and none is pending. */
void fpu_mask_all(uint8_t *image);
/* ST(0)'s exponent. */
unsigned fpu_top_exponent(const uint8_t *image);
/* Into the emulated CPU's state and out of it. */
void fpu_load(X86State *s, const uint8_t *image);
void fpu_save(const X86State *s, uint8_t *image);
/* FSIN and the like. */
bool fpu_is_function(const char *mnemonic);
/* True if two images agree; near: to within a unit in the last place. */
bool fpu_same(const uint8_t *a, const uint8_t *b, bool near, bool no_ip);
void fpu_print(const char *what, const uint8_t *image);

#endif
