/*
 * The coprocessor error logic of a PC (IBM AT Technical Reference; SDM vol. 1,
 * 8.7.2): the CPU's FERR# sets a flip-flop that is IRQ 13. A write to port F0h
 * clears it and, while FERR# is still active, asks the CPU by IGNNE# to run
 * x87 instructions all the same, so that the handler can look at the error.
 */
#include "hw/pc-chips.h"
#include "vm/machine.h"

#define FPU_ERROR_STATE(_) \
    _(bool, STATE_BOOL, ferr, false, 1, "FERR#, as the CPU drives it") \
    _(bool, STATE_BOOL, busy, false, 1, "the flip-flop: IRQ 13")

STATE_STRUCT(FpuErrorState, FPU_ERROR_STATE);
static STATE_TABLE(fpu_error_state, "fpu-error", 1, FpuErrorState,
                   FPU_ERROR_STATE)

typedef struct FpuError {
    Device dev;
    FpuErrorState s;
    MemRegion io;
    IrqLine irq, ignne;
} FpuError;

IrqLine *fpu_error_irq(Device *dev)
{
    return &((FpuError *)dev)->irq;
}

IrqLine *fpu_error_ignne(Device *dev)
{
    return &((FpuError *)dev)->ignne;
}

void fpu_error_set(void *dev, bool ferr)
{
    FpuError *f = dev;
    f->s.ferr = ferr;
    if (ferr) {
        f->s.busy = true;
        irq_set(&f->irq, true);
    }
}

static uint64_t fpu_error_read(void *opaque, PhysAddr offset, unsigned size)
{
    return 0xff; /* nobody answers */
}

/* F0h clears the error; F1h reset a 287 and does nothing since. */
static void fpu_error_write(void *opaque, PhysAddr offset, uint64_t v,
                            unsigned size)
{
    FpuError *f = opaque;
    if (offset == 0) {
        f->s.busy = false;
        irq_set(&f->irq, false);
        irq_set(&f->ignne, f->s.ferr);
    }
}

static const MemOps fpu_error_ops = { fpu_error_read, fpu_error_write,
                                      .max_size = 1 };

static bool fpu_error_realize(Device *dev, Error **errp)
{
    FpuError *f = (FpuError *)dev;
    mem_init_io(&f->io, "fpu-error", 2, &fpu_error_ops, f);
    mem_add(&dev->machine->io_root, 0xf0, &f->io, 0);
    return true;
}

static void fpu_error_reset(Device *dev)
{
    FpuError *f = (FpuError *)dev;
    irq_set(&f->irq, f->s.busy);
}

const DeviceClass fpu_error_class = {
    .name = "fpu-error",
    .desc = "coprocessor error logic",
    .category = "Misc",
    .size = sizeof(FpuError),
    .state_offset = offsetof(FpuError, s),
    .state = fpu_error_state,
    .realize = fpu_error_realize,
    .reset = fpu_error_reset,
};
