/*
 * System instructions: nearly all are calls of the system half's helpers
 * (helpers-sys.def), in the order that keeps faults precise.
 */
#include "translate.h"

/* --- flags -----------------------------------------------------------------*/

void trans_clc(X86Trans *t)
{
    flags_set_eflags(t, ir_op2i(t->ir, IR_AND, flags_all(t),
                                ~(uint64_t)FLAG_CF));
}

void trans_stc(X86Trans *t)
{
    flags_set_eflags(t, ir_op2i(t->ir, IR_OR, flags_all(t), FLAG_CF));
}

void trans_cmc(X86Trans *t)
{
    flags_set_eflags(t, ir_op2i(t->ir, IR_XOR, flags_all(t), FLAG_CF));
}

void trans_cld(X86Trans *t)
{
    ir_set(t->ir, X86_DF, k64(t, 1));
}

void trans_std(X86Trans *t)
{
    ir_set(t->ir, X86_DF, k64(t, UINT64_MAX));
}

void trans_cli(X86Trans *t)
{
    CALL0(t, cli);
}

/* The shadow of a MOV SS ends before STI starts its own. */
void trans_sti(X86Trans *t)
{
    t_end_shadow_now(t);
    t->st->shadow_ended = true;
    CALL0(t, sti);
}

/* LAHF and SAHF exist in 64-bit mode if CPUID says so. */
static bool lahf_exists(X86Trans *t)
{
    if (t_code64(t) && !(t->st->features[FEAT_80000001_ECX] & 1)) {
        t_raise(t, EXC_UD);
        return false;
    }
    return true;
}

void trans_lahf(X86Trans *t)
{
    if (lahf_exists(t)) {
        IrVal f = ir_op2i(t->ir, IR_OR, flags_all(t), 2);
        IrVal rax = ir_get(t->ir, X86_RAX);
        ir_set(t->ir, X86_RAX, ir_deposit(t->ir, rax, f, 8, 8));
    }
}

void trans_sahf(X86Trans *t)
{
    if (lahf_exists(t)) {
        IrVal ah = ir_extract(t->ir, ir_get(t->ir, X86_RAX), 8, 8);
        IrVal low = ir_op2i(t->ir, IR_AND, ah, FLAG_ARITH & 0xff);
        IrVal of = ir_op2i(t->ir, IR_AND, flags_all(t), FLAG_OF);
        flags_set_eflags(t, ir_op2(t->ir, IR_OR, low, of));
    }
}

/* --- decimal arithmetic ----------------------------------------------------*/

static void bcd(X86Trans *t, X86HelperId id)
{
    t_call(t, id, (IrVal[]){ flags_all(t) });
    flags_forget(t);
}

void trans_daa(X86Trans *t)
{
    bcd(t, X86_HELPER_daa);
}

void trans_das(X86Trans *t)
{
    bcd(t, X86_HELPER_das);
}

void trans_aaa(X86Trans *t)
{
    bcd(t, X86_HELPER_aaa);
}

void trans_aas(X86Trans *t)
{
    bcd(t, X86_HELPER_aas);
}

void trans_aam(X86Trans *t)
{
    if (t->in.imm[0] == 0) {
        t_raise(t, EXC_DE);
        return;
    }
    IrVal ax = CALL(t, aam, reg_get(t, X86_RAX, 1), k64(t, t->in.imm[0]));
    reg_set(t, X86_RAX, ax, 2);
    flags_set(t, CC_LOGIC, 1, clean(t, ax, 1), IR_NO_VAL);
}

void trans_aad(X86Trans *t)
{
    IrVal ah = ir_extract(t->ir, ir_get(t->ir, X86_RAX), 8, 8);
    IrVal tens = ir_op2i(t->ir, IR_MUL, ah, t->in.imm[0]);
    IrVal al = clean(t, ir_op2(t->ir, IR_ADD, tens, reg_get(t, X86_RAX, 1)),
                     1);
    reg_set(t, X86_RAX, al, 2);
    flags_set(t, CC_LOGIC, 1, al, IR_NO_VAL);
}

/* AL = CF ? FF : 00; not in the manual, but in every processor. */
void trans_salc(X86Trans *t)
{
    IrVal v = ir_op1(t->ir, IR_NEG, flags_carry(t));
    reg_set(t, X86_RAX, clean(t, v, 1), 1);
}

void trans_bound(X86Trans *t)
{
    unsigned bytes = t->in.opsize;
    IrVal linear = mem_operand(t, bytes * 2);
    IrVal low = mem_ld(t, linear, bytes);
    IrVal high = mem_ld(t, linear_add(t, linear, bytes), bytes);
    IrVal index = widen_signed(t, op_load(t, 0), bytes);
    CALL(t, bound, index, widen_signed(t, low, bytes),
         widen_signed(t, high, bytes));
}

/* --- ports -----------------------------------------------------------------*/

void trans_in(X86Trans *t)
{
    IrVal port = op_load(t, 1), bytes = k64(t, op_bytes(t, 0));
    CALL(t, io_check, port, bytes);
    op_store(t, 0, CALL(t, in, port, bytes));
}

void trans_out(X86Trans *t)
{
    IrVal port = op_load(t, 0), bytes = k64(t, op_bytes(t, 1));
    CALL(t, io_check, port, bytes);
    CALL(t, out, port, bytes, op_load(t, 1));
}

/* --- descriptor tables -----------------------------------------------------*/

/* SGDT and SIDT store 2 + 4 bytes, or 2 + 8 in 64-bit mode. */
static void store_table(X86Trans *t, X86HelperId limit, X86HelperId base)
{
    unsigned bytes = t_code64(t) ? 8 : 4;
    IrVal limit_value = t_call(t, limit, NULL);
    IrVal base_value = t_call(t, base, NULL);
    t->store = true;
    IrVal linear = mem_operand(t, bytes + 2);
    CALL(t, probe_store, linear, k64(t, bytes + 2),
         k64(t, access_mode(t)));
    mem_st(t, linear, limit_value, 2);
    mem_st(t, linear_add(t, linear, 2), base_value, bytes);
}

void trans_sgdt(X86Trans *t)
{
    store_table(t, X86_HELPER_sgdt_limit, X86_HELPER_sgdt_base);
}

void trans_sidt(X86Trans *t)
{
    store_table(t, X86_HELPER_sidt_limit, X86_HELPER_sidt_base);
}

/* With 16-bit operands the base has 24 bits. */
static void load_table(X86Trans *t, X86HelperId id)
{
    unsigned bytes = t_code64(t) ? 8 : 4;
    IrVal linear = mem_operand(t, bytes + 2);
    IrVal limit = mem_ld(t, linear, 2);
    IrVal base = mem_ld(t, linear_add(t, linear, 2), bytes);
    if (t->in.opsize == 2 && !t_code64(t)) {
        base = ir_zext(t->ir, ir_op2i(t->ir, IR_AND, base, 0xffffff), 32);
    }
    t_call(t, id, (IrVal[]){ base, limit });
}

void trans_lgdt(X86Trans *t)
{
    load_table(t, X86_HELPER_lgdt);
}

void trans_lidt(X86Trans *t)
{
    load_table(t, X86_HELPER_lidt);
}

void trans_sldt(X86Trans *t)
{
    op_store(t, 0, CALL0(t, sldt));
}

void trans_str(X86Trans *t)
{
    op_store(t, 0, CALL0(t, str));
}

/* A 16-bit destination gets the low word only. */
void trans_smsw(X86Trans *t)
{
    op_store(t, 0, clean(t, CALL0(t, smsw), op_bytes(t, 0)));
}

void trans_lldt(X86Trans *t)
{
    CALL(t, lldt, op_load(t, 0));
}

void trans_ltr(X86Trans *t)
{
    CALL(t, ltr, op_load(t, 0));
}

void trans_lmsw(X86Trans *t)
{
    CALL(t, lmsw, op_load(t, 0));
}

void trans_verr(X86Trans *t)
{
    CALL(t, verr, op_load(t, 0));
    flags_forget(t);
}

void trans_verw(X86Trans *t)
{
    CALL(t, verw, op_load(t, 0));
    flags_forget(t);
}

/* LAR and LSL leave all of the register alone and clear ZF if the selector will not
 * do. */
static void selector_query(X86Trans *t, X86HelperId id)
{
    IrVal sel = op_load(t, 1);
    IrVal old = ir_get(t->ir, t->in.reg);
    IrVal v = t_call(t, id, (IrVal[]){ sel, old, k64(t, op_bytes(t, 0)) });
    ir_set(t->ir, t->in.reg, v);
    flags_forget(t);
}

void trans_lar(X86Trans *t)
{
    selector_query(t, X86_HELPER_lar);
}

void trans_lsl(X86Trans *t)
{
    selector_query(t, X86_HELPER_lsl);
}

void trans_arpl(X86Trans *t)
{
    IrVal a = op_load(t, 0), b = op_load(t, 1);
    IrVal rpl_a = ir_op2i(t->ir, IR_AND, a, 3);
    IrVal rpl_b = ir_op2i(t->ir, IR_AND, b, 3);
    Cond less = { IR_LTU, rpl_a, rpl_b };
    IrVal is_less = cond_value(t, less);
    IrVal flags = ir_deposit(t->ir, flags_all(t), is_less, 6, 1);
    IrVal raised = ir_deposit(t->ir, a, b, 0, 2);
    if (op_is_memory(t, 0)) {
        CALL(t, arpl_store, is_less, k64(t, t->in.seg), mem_operand(t, 2),
             raised);
    } else {
        op_store(t, 0, ir_select(t->ir, less.cond, rpl_a, rpl_b, raised, a));
    }
    flags_set_eflags(t, flags);
}

/* --- control and debug registers -------------------------------------------*/

void trans_mov_from_cr(X86Trans *t)
{
    IrVal v = CALL(t, read_cr, k64(t, t->in.reg));
    op_store(t, 0, clean(t, v, op_bytes(t, 0)));
}

void trans_mov_to_cr(X86Trans *t)
{
    CALL(t, write_cr, k64(t, t->in.reg), op_load(t, 1));
}

void trans_mov_from_dr(X86Trans *t)
{
    IrVal v = CALL(t, read_dr, k64(t, t->in.reg));
    op_store(t, 0, clean(t, v, op_bytes(t, 0)));
}

void trans_mov_to_dr(X86Trans *t)
{
    CALL(t, write_dr, k64(t, t->in.reg), op_load(t, 1));
}

void trans_clts(X86Trans *t)
{
    CALL0(t, clts);
}

/* --- caches and TLB --------------------------------------------------------*/

/* No limit is checked (vol. 2, INVLPG). */
void trans_invlpg(X86Trans *t)
{
    IrVal linear = mem_effective(t);
    if (t->in.seg >= SEG_FS || !t_code64(t)) {
        IrVal base = ir_get(t->ir, X86_ES_BASE + t->in.seg);
        linear = ir_op2(t->ir, IR_ADD, linear, base);
    }
    CALL(t, invlpg, t_code64(t) ? linear : ir_zext(t->ir, linear, 32));
}

void trans_invd(X86Trans *t)
{
    CALL0(t, invd);
}

/* A load for protection and paging. */
void trans_clflush(X86Trans *t)
{
    IrVal linear = mem_operand(t, 1);
    CALL(t, probe_load, linear, k64(t, 1), k64(t, access_mode(t)));
}

/* --- model, time, randomness -----------------------------------------------*/

void trans_cpuid(X86Trans *t)
{
    CALL0(t, cpuid);
}

void trans_rdmsr(X86Trans *t)
{
    CALL0(t, rdmsr);
}

void trans_wrmsr(X86Trans *t)
{
    CALL0(t, wrmsr);
}

/* Kernels wait in loops of it: the TB goes on. */
void trans_rdtsc(X86Trans *t)
{
    IrVal v = CALL0(t, rdtsc);
    reg_set(t, X86_RAX, clean(t, v, 4), 4);
    reg_set(t, X86_RDX, ir_op2i(t->ir, IR_SHR, v, 32), 4);
}

void trans_rdtscp(X86Trans *t)
{
    trans_rdtsc(t);
    reg_set(t, X86_RCX, CALL0(t, tsc_aux), 4);
}

void trans_rdpmc(X86Trans *t)
{
    CALL0(t, rdpmc);
}

/* CF = 1: there always is a number. */
void trans_rdrand(X86Trans *t)
{
    IrVal v = CALL0(t, random);
    op_store(t, 0, clean(t, v, op_bytes(t, 0)));
    flags_set_eflags(t, k64(t, FLAG_CF));
}

/* --- modes -----------------------------------------------------------------*/

void trans_hlt(X86Trans *t)
{
    CALL(t, hlt, k64(t, t->next));
    t_jump(t, k64(t, t->next), IR_EXIT_LOOP);
}

void trans_syscall(X86Trans *t)
{
    t_end_shadow_now(t);
    t->st->no_step = true; /* the helper's */
    IrVal next = k64(t, t->next);
    CALL(t, syscall, next);
    flags_forget(t);
    t_jump_rip(t);
}

void trans_sysret(X86Trans *t)
{
    t_end_shadow_now(t);
    t->st->no_step = true; /* the helper's */
    CALL(t, sysret, k64(t, t->in.rex & 8 ? 8 : 4));
    flags_forget(t);
    t_jump_rip(t);
}

void trans_sysenter(X86Trans *t)
{
    t_end_shadow_now(t);
    CALL0(t, sysenter);
    t_jump_rip(t);
}

void trans_sysexit(X86Trans *t)
{
    t_end_shadow_now(t);
    CALL(t, sysexit, k64(t, t->in.rex & 8 ? 8 : 4));
    t_jump_rip(t);
}

void trans_rsm(X86Trans *t)
{
    t_end_shadow_now(t);
    t->st->no_step = true;
    CALL0(t, rsm);
    flags_forget(t);
    t_jump_rip(t);
}

void trans_swapgs(X86Trans *t)
{
    CALL0(t, swapgs);
}

void trans_rdfsbase(X86Trans *t)
{
    unsigned seg = t->in.reg & 1 ? SEG_GS : SEG_FS;
    IrVal v = CALL(t, fsgsbase_read, k64(t, seg));
    op_store(t, 0, clean(t, v, op_bytes(t, 0)));
}

void trans_wrfsbase(X86Trans *t)
{
    unsigned seg = t->in.reg & 1 ? SEG_GS : SEG_FS;
    CALL(t, fsgsbase_write, k64(t, seg), op_load(t, 0));
}

void trans_clac(X86Trans *t)
{
    CALL(t, clac_stac, k64(t, 0));
}

void trans_stac(X86Trans *t)
{
    CALL(t, clac_stac, k64(t, 1));
}

/* rAX in the address size; DS unless overridden. */
static IrVal implicit_address(X86Trans *t, unsigned bytes, bool store)
{
    IrVal offset = reg_get(t, X86_RAX, t->in.addrsize);
    return mem_linear(t, t->in.seg, offset, bytes, store);
}

void trans_monitor(X86Trans *t)
{
    CALL0(t, kernel_only);
    IrVal linear = implicit_address(t, 1, false);
    CALL(t, probe_load, linear, k64(t, 1), k64(t, access_mode(t)));
    CALL(t, monitor, reg_get(t, X86_RCX, t_code64(t) ? 8 : 4));
}

void trans_mwait(X86Trans *t)
{
    CALL(t, mwait, reg_get(t, X86_RCX, t_code64(t) ? 8 : 4));
    t_jump(t, k64(t, t->next), IR_EXIT_LOOP);
}

void trans_clzero(X86Trans *t)
{
    IrVal linear = implicit_address(t, 1, true);
    CALL(t, clzero, linear, k64(t, access_mode(t)));
}

void trans_rdpid(X86Trans *t)
{
    uint32_t offset = offsetof(X86Cpu, s.tsc_aux);
    op_store(t, 0, ir_ldenv(t->ir, IR_I64, offset, IR_MEM_32));
}

void trans_invpcid(X86Trans *t)
{
    IrVal linear = mem_operand(t, 16);
    IrVal pcid = mem_ld(t, linear, 8);
    IrVal va = mem_ld(t, linear_add(t, linear, 8), 8);
    CALL(t, invpcid, op_load(t, 0), pcid, va);
}

void trans_ud2(X86Trans *t)
{
    t_raise(t, EXC_UD);
}
