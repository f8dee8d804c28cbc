/*
 * Guest-visible state, declared once.
 *
 * A device, a CPU or any other part of the machine lists its state in an
 * X-macro; this header makes the struct and the table from the list, and
 * softmmu/state.c walks tables to reset, save, load, digest, compare and show.
 *
 *   #define UART_STATE(_)  // ctype  tag  member  reset  since  what
 *       _(uint8_t, STATE_U8, lsr, 0x60, 1, "line status") ...
 *   STATE_STRUCT(UartState, UART_STATE);              // the struct
 *   STATE_TABLE(uart_state, "uart", 2, UartState, UART_STATE)   // the table
 *
 * An array is a ctype that is a typedef of an array ("typedef uint8_t
 * UartFifo[16];"): the tag names the element and every element gets the reset
 * value. A row that is used as an index, a count or a length, or that
 * arithmetic could overflow with, ends in its range, STATE_IN(lo, hi) or
 * STATE_IN_OR_NEVER(lo, hi), both ends included: a stream with another value
 * is refused. Times have one without being told. A row's `since` is the table version that introduced it: a stream of
 * an older version leaves the row at its reset value. Nothing but such rows
 * may be in a state struct: no pointer, no host handle.
 */
#ifndef VM_STATE_H
#define VM_STATE_H

#include "base/error.h"
#include "base/types.h"

/* Element types. STATE_TIME is a point in virtual time, int64_t ns, with
 * TIME_NEVER for "not armed" (vm/clock.h). ORDER state-tag (softmmu/state.c) */
typedef enum StateTag {
    STATE_BOOL,
    STATE_U8,
    STATE_U16,
    STATE_U32,
    STATE_U64,
    STATE_I64,
    STATE_TIME,
} StateTag;

typedef struct StateField {
    const char *name;
    const char *what;      /* one phrase for docs and divergence reports */
    StateTag tag;
    uint16_t since;
    uint32_t offset;       /* in the struct, bytes */
    uint32_t count;        /* elements, 1 unless an array */
    uint64_t reset;
    bool ranged, or_never; /* min <= value <= max, or it is TIME_NEVER */
    int64_t min, max;
} StateField;

/* What no run of a machine reaches, and time cannot overflow with: 2^52
 * instructions take weeks of host time, 2^61 ns are 73 years. */
#define STATE_ICOUNT_MAX (INT64_C(1) << 52)
#define STATE_TIME_MAX   (INT64_C(1) << 61)

#define STATE_IN(lo, hi)          .ranged = true, .min = (lo), .max = (hi)
#define STATE_IN_OR_NEVER(lo, hi) STATE_IN(lo, hi), .or_never = true

typedef struct StateTable {
    const char *name;
    uint16_t version;
    uint32_t size_bytes;   /* of the struct */
    uint32_t field_count;
    const StateField *fields;
} StateTable;

typedef const StateTable *StateTableFn(void);

#define STATE_TAG_SIZE(tag)                                       \
    ((tag) == STATE_BOOL || (tag) == STATE_U8 ? 1u                \
     : (tag) == STATE_U16                     ? 2u                \
     : (tag) == STATE_U32                     ? 4u                \
                                              : 8u)

#define STATE_MEMBER(ctype, tag, member, reset, since, what, ...) ctype member;
#define STATE_ROW(ctype, tag, member, reset, since, what, ...)    \
    { #member, what, tag, since, offsetof(StateT, member),        \
      sizeof(ctype) / STATE_TAG_SIZE(tag), (uint64_t)(reset),     \
      __VA_ARGS__ },

#define STATE_STRUCT(Type, LIST) \
    typedef struct Type {        \
        LIST(STATE_MEMBER)       \
    } Type

/* Defines `const StateTable *fn(void)`; put `static` or a prototype before. */
#define STATE_TABLE(fn, label, version, Type, LIST)               \
    const StateTable *fn(void)                                    \
    {                                                             \
        typedef Type StateT;                                      \
        static const StateField fields[] = { LIST(STATE_ROW) };   \
        static const StateTable table = { label, version, sizeof(StateT), \
                                          G_N_ELEMENTS(fields), fields }; \
        return &table;                                            \
    }

/* For a device without any state of its own (it must still say so). */
const StateTable *state_none(void);

/* Sets every row of obj to its reset value. */
void state_reset(const StateTable *t, void *obj);

/* Appends the rows to out: version, field count, then each row's name and
 * little-endian elements; self-describing, so that a reader of another
 * version can match rows by name. */
void state_save(const StateTable *t, const void *obj, GByteArray *out);

/* Fills obj from what state_save() wrote. False with an error naming the
 * section and field when bytes are missing or left over, a row's shape
 * differs, the stream is newer than the table, or a value is not in its row's
 * range; obj is then unspecified. */
bool state_load(const StateTable *t, void *obj, const uint8_t *data,
                size_t len, Error **errp);

/* A 64-bit hash of all rows' values; the same on every host. */
uint64_t state_digest(const StateTable *t, const void *obj);

/* One element's value, zero-extended (sign-extended for I64 and TIME). */
uint64_t state_get(const StateField *f, const void *obj, uint32_t index);
void state_set(const StateField *f, void *obj, uint32_t index, uint64_t v);

/* May a row have that value (as state_get() gives it)? */
bool state_in_range(const StateField *f, uint64_t v);

#endif
