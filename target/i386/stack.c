/*
 * Stack frames of events and far transfers: collected first, checked whole,
 * then written, so that one that faults has changed nothing.
 */
#include "sys.h"

static void set_stack(Frame *f, uint64_t base, uint32_t limit, uint32_t attr)
{
    f->base = base;
    f->limit = limit;
    f->attr = attr;
    f->mask = attr & DESC_B ? UINT32_MAX : 0xffff;
}

void frame_present(Frame *f, X86Cpu *cpu)
{
    const X86State *s = &cpu->s;
    *f = (Frame){ .cpu = cpu, .fault_vector = EXC_SS, .count = 0 };
    f->mode = x86_mmu_mode(cpu) | MMU_TARGET;
    f->sp = s->gpr[X86_RSP];
    f->flat64 = x86_code64(cpu);
    if (f->flat64) {
        f->mask = UINT64_MAX;
    } else {
        set_stack(f, s->seg_base[SEG_SS], s->seg_limit[SEG_SS],
                  s->seg_attr[SEG_SS]);
    }
}

void frame_other(Frame *f, X86Cpu *cpu, const Desc *d, uint64_t sp,
                 unsigned cpl)
{
    *f = (Frame){ .cpu = cpu, .fault_vector = EXC_SS, .count = 0 };
    f->mode = (cpl == 3 ? MMU_USER : MMU_KERNEL) | MMU_TARGET;
    f->sp = sp;
    set_stack(f, desc_base(d), desc_limit(d), d->hi);
}

void frame_64(Frame *f, X86Cpu *cpu, uint64_t sp, unsigned cpl)
{
    *f = (Frame){ .cpu = cpu, .fault_vector = EXC_SS, .count = 0 };
    f->mode = (cpl == 3 ? MMU_USER : MMU_KERNEL) | MMU_TARGET;
    f->sp = sp;
    f->mask = UINT64_MAX;
    f->flat64 = true;
}

static void move_sp(Frame *f, uint64_t delta)
{
    f->sp = (f->sp & ~f->mask) | ((f->sp + delta) & f->mask);
}

void frame_push(Frame *f, unsigned size, uint64_t v)
{
    g_assert(f->count < G_N_ELEMENTS(f->item));
    move_sp(f, -(uint64_t)size);
    f->item[f->count].offset = f->sp & f->mask;
    f->item[f->count].value = v;
    f->item[f->count++].size = size;
}

static uint64_t linear(const Frame *f, uint64_t offset)
{
    return f->flat64 ? offset : (uint32_t)(f->base + offset);
}

/* Real-mode stacks have limits too; their types are not looked at. */
static bool fits(const Frame *f, uint64_t offset, unsigned size)
{
    uint64_t last = offset + size - 1;
    if (f->flat64) {
        return is_canonical(f->cpu, offset);
    }
    bool down = (f->attr & (DESC_CODE | DESC_E)) == DESC_E &&
                (f->attr & DESC_S);
    if (!down) {
        return last <= f->limit;
    }
    return offset > f->limit && last <= f->mask;
}

static void check(const Frame *f, uint64_t offset, unsigned size,
                  MmuAccess access)
{
    if (!fits(f, offset, size)) {
        x86_raise_sel(f->cpu, f->fault_vector, f->fault_sel);
    }
    bool user = (f->mode & ~MMU_FLAGS) == MMU_USER;
    if (user && (f->cpu->tb_flags & TB_AC)) {
        helper_align_check(&f->cpu->parent, linear(f, offset), size);
    }
    cpu_probe(&f->cpu->parent, linear(f, offset), size, access, f->mode);
}

void frame_commit(Frame *f)
{
    for (unsigned i = 0; i < f->count; i++) {
        check(f, f->item[i].offset, f->item[i].size, MMU_STORE);
    }
    for (unsigned i = 0; i < f->count; i++) {
        cpu_st(&f->cpu->parent, linear(f, f->item[i].offset),
               f->item[i].value, f->item[i].size, f->mode);
    }
}

uint64_t frame_pop(Frame *f, unsigned size)
{
    uint64_t offset = f->sp & f->mask;
    check(f, offset, size, MMU_LOAD);
    uint64_t v = cpu_ld(&f->cpu->parent, linear(f, offset), size, f->mode);
    move_sp(f, size);
    return v;
}

void frame_set_rsp(const Frame *f)
{
    uint64_t *rsp = &f->cpu->s.gpr[X86_RSP];
    *rsp = f->mask == 0xffff ? (*rsp & ~UINT64_C(0xffff)) | (f->sp & 0xffff)
                             : f->sp & f->mask;
}
