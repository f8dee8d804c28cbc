/*
 * QMP: guest memory to files (qapi/machine.json).
 */
#include <inttypes.h>

#include "monitor.h"

typedef struct MemoryRange {
    Cpu *cpu;              /* whose virtual memory; NULL: physical */
    uint64_t start, bytes;
} MemoryRange;

static bool range_read(QmpContext *ctx, const MemoryRange *r, uint64_t addr,
                       void *buf, size_t bytes)
{
    return r->cpu ? cpu_read_debug(r->cpu, addr, buf, bytes)
                  : address_space_read_debug(ctx->machine->memory, addr, buf,
                                             bytes);
}

static bool range_copy(QmpContext *ctx, const MemoryRange *r, OutFile *f,
                       Error **errp)
{
    uint8_t page[4 * KIB];
    for (uint64_t done = 0; done < r->bytes && !f->error;) {
        uint64_t addr = r->start + done;
        size_t n = MIN(sizeof(page) - addr % sizeof(page), r->bytes - done);
        if (!range_read(ctx, r, addr, page, n)) {
            error_set(errp, "Invalid addr 0x%016" PRIx64 "/size %" PRIu64
                      " specified: there is no memory at 0x%" PRIx64,
                      r->start, r->bytes, addr);
            return false;
        }
        outfile_write(f, page, n);
        done += n;
    }
    return true;
}

static void range_save(QmpContext *ctx, const MemoryRange *r,
                       const char *filename, Error **errp)
{
    OutFile f;
    if ((int64_t)r->bytes < 0) {
        error_set(errp, "Parameter 'size' must not be negative");
    } else if (monitor_open_file(ctx, &f, filename, errp)) {
        bool whole = range_copy(ctx, r, &f, errp);
        outfile_close(&f, whole ? errp : NULL);
    }
}

void qmp_memsave(QmpContext *ctx, int64_t val, int64_t size,
                 const char *filename, bool has_cpu_index, int64_t cpu_index,
                 Error **errp)
{
    const GPtrArray *cpus = ctx->machine->cpus;
    if (cpu_index < 0 || cpu_index >= cpus->len) {
        error_set(errp, "Parameter 'cpu-index' expects a CPU number");
        return;
    }
    MemoryRange r = { g_ptr_array_index(cpus, cpu_index), val, size };
    range_save(ctx, &r, filename, errp);
}

void qmp_pmemsave(QmpContext *ctx, int64_t val, int64_t size,
                  const char *filename, Error **errp)
{
    MemoryRange r = { NULL, val, size };
    range_save(ctx, &r, filename, errp);
}
