/*
 * A guest that checks rules of 64-bit mode of newer features, against the Intel
 * SDM (chapters of volume 3 in brackets): UMIP, PCIDs, MONITOR and MWAIT,
 * registers about speculation, TSC_ADJUST, RDPID, CLZERO, wide pointers and
 * EFER.FFXSR of FXSAVE, protection keys, five levels of paging. It needs "-cpu
 * max,+monitor".
 */
#include "trap64.h"

enum { CR4_UMIP = 0x800, CR4_OSFXSR = 0x200, CR4_LA57 = 0x1000,
       CR4_PCIDE = 0x20000, CR4_OSXSAVE = 0x40000, CR4_PKE = 0x400000 };

static uint8_t area[1024] __attribute__((aligned(64)));
static volatile uint64_t got[4];

/* --- UMIP [2.5] ------------------------------------------------------------------ */

static void test_umip(void)
{
    RING3("sidt got");
    check("SIDT in ring 3", exc_vector, 128);
    check("UMIP can be set", try_cr4(cr4() | CR4_UMIP), ~0ull);
    RING3("sgdt area");
    check("UMIP: SGDT", FAULT, 13 << 16);
    RING3("sidt area");
    check("UMIP: SIDT", FAULT, 13 << 16);
    RING3("sldt %%ax");
    check("UMIP: SLDT", FAULT, 13 << 16);
    RING3("str %%ax");
    check("UMIP: STR", FAULT, 13 << 16);
    RING3("smsw %%ax");
    check("UMIP: SMSW", FAULT, 13 << 16);
    TRY("sidt area\n sgdt area\n sldt %%ax\n str %%ax\n smsw %%ax", "i"(0));
    check("UMIP: ring 0 may", exc_vector, ~0ull);
    try_cr4(cr4() & ~(uint64_t)CR4_UMIP);
}

/* --- PCIDs [4.10.1], INVPCID -------------------------------------------------------- */

static void invpcid(uint64_t type, uint64_t pcid, uint64_t va)
{
    got[0] = type;
    got[2] = pcid;
    got[3] = va;
    TRY("movq got, %%rax\n invpcid got+16, %%rax", "i"(0));
}

static void test_pcid(void)
{
    volatile uint32_t *page = (volatile uint32_t *)(PAGES + 0x1000);
    invpcid(0, 1, 0);
    check("INVPCID of a PCID without CR4.PCIDE", FAULT, 13 << 16);
    invpcid(0, 0, 0);
    check("of PCID 0", exc_vector, ~0ull);
    set_cr3((uint64_t)pml4 | 0x18);
    check("PCIDE with a PCID in CR3", try_cr4(cr4() | CR4_PCIDE), 13);
    set_cr3((uint64_t)pml4);
    check("PCIDE", try_cr4(cr4() | CR4_PCIDE), ~0ull);
    set_cr3((uint64_t)pml4 | 0x123);
    check("CR3 has the PCID", cr3(), (uint64_t)pml4 | 0x123);
    set_cr3((uint64_t)pml4 | 0x456 | 1ull << 63);
    check("and not bit 63", cr3(), (uint64_t)pml4 | 0x456);
    got[0] = (uint64_t)pml4 | 1ull << 62;
    TRY("movq got, %%rax\n movq %%rax, %%cr3", "i"(0));
    check("bit 62 is reserved", FAULT, 13 << 16);
    TRY("movq %%cr0, %%rax\n andl $0x7fffffff, %%eax\n movq %%rax, %%cr0",
        "i"(0));
    check("paging cannot go off", FAULT, 13 << 16);
    page[0] = 1;
    page[0x400] = 2;
    pt[1] = PAGES + 0x2000 + 7;
    invpcid(0, 0x456, (uint64_t)page);
    check("INVPCID of an address", exc_vector, ~0ull);
    check("another page is there", page[0], 2);
    pt[1] = PAGES + 0x1000 + 7;
    invpcid(1, 0x456, 0);
    check("INVPCID of a PCID", exc_vector, ~0ull);
    check("the page is there again", page[0], 1);
    invpcid(2, 0, 0);
    check("INVPCID of all", exc_vector, ~0ull);
    invpcid(3, 0, 0);
    check("INVPCID of all but global ones", exc_vector, ~0ull);
    invpcid(4, 0, 0);
    check("INVPCID: no such type", FAULT, 13 << 16);
    invpcid(1, 0x1000, 0);
    check("INVPCID: reserved bits", FAULT, 13 << 16);
    invpcid(0, 1, 1ull << 60);
    check("INVPCID: no address", FAULT, 13 << 16);
    RING3("xorl %%eax, %%eax\n invpcid got, %%rax");
    check("INVPCID in ring 3", FAULT, 13 << 16);
    set_cr3((uint64_t)pml4);
    check("PCIDE goes", try_cr4(cr4() & ~(uint64_t)CR4_PCIDE), ~0ull);
}

/* --- MONITOR, MWAIT [8.10.4] --------------------------------------------------------- */

static void timer_on(void)
{
    outb(0x20, 0x11);
    outb(0x21, 32);
    outb(0x21, 4);
    outb(0x21, 1);
    outb(0x21, 0xfe);
    outb(0xa1, 0xff);
    outb(0x43, 0x34);
    outb(0x40, 11932 & 255);
    outb(0x40, 11932 >> 8);
}

#define MONITOR "movl $area, %%eax\n xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n" \
                "monitor\n"
#define MWAIT(ecx) "xorl %%eax, %%eax\n movl $" #ecx ", %%ecx\n mwait\n"

static int has_others(void)
{
    uint32_t a = 1, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    return d >> 28 & 1;
}

static void test_monitor(void)
{
    uint32_t a = 5, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    check("lines of 64 bytes", a | (uint64_t)b << 32, 64 | 64ull << 32);
    check("interrupts may end MWAIT", c & 3, 3);
    RING3(MONITOR);
    check("MONITOR in ring 3", exc_vector, 6);
    RING3(MWAIT(0));
    check("MWAIT in ring 3", exc_vector, 6);
    TRY(MWAIT(0), "i"(0));
    check("MWAIT without MONITOR goes on", exc_vector, ~0ull);
    TRY("movl $area, %%eax\n movl $1, %%ecx\n monitor", "i"(0));
    check("MONITOR with extensions", FAULT, 13 << 16);
    TRY("movl $0x401000, %%eax\n xorl %%ecx, %%ecx\n monitor", "i"(0));
    check("MONITOR", exc_vector, ~0ull);
    pt[1] = 0;
    set_cr3((uint64_t)pml4);
    TRY("movl $0x401000, %%eax\n xorl %%ecx, %%ecx\n monitor", "i"(0));
    check("MONITOR of a page that is not there", FAULT, 14 << 16);
    pt[1] = PAGES + 0x1000 + 7;
    TRY(MWAIT(2), "i"(0));
    check("MWAIT with extensions that are none", FAULT, 13 << 16);
    timer_on();
    uint64_t before = ticks64;
    if (has_others()) {
        TRY("cli\n" MONITOR MWAIT(0), "i"(0));
        check("MWAIT does not wait where another could store", ticks64, before);
        outb(0x21, 0xff);
        return;
    }
    TRY("sti\n" MONITOR MWAIT(0) "cli", "i"(0));
    check("MWAIT waits for an interrupt", ticks64 > before, 1);
    before = ticks64;
    TRY("cli\n" MONITOR MWAIT(1), "i"(0));
    check("one that is masked ends it, too", exc_vector, ~0ull);
    check("and is not taken", ticks64, before);
    __asm__ volatile("sti\n nop\n cli");
    check("but later", ticks64, before + 1);
    outb(0x21, 0xff);
}

/* --- registers ------------------------------------------------------------------------ */

static void test_speculation(void)
{
    check("SPEC_CTRL", wrmsr(0x48, 5), ~0ull);
    check("SPEC_CTRL is read", (rdmsr(0x48), msr_value), 5);
    check("SPEC_CTRL: reserved bits", wrmsr(0x48, 8), 13);
    wrmsr(0x48, 0);
    check("PRED_CMD", wrmsr(0x49, 1), ~0ull);
    check("PRED_CMD: reserved bits", wrmsr(0x49, 2), 13);
    check("PRED_CMD cannot be read", rdmsr(0x49), 13);
    check("FLUSH_CMD", wrmsr(0x10b, 1), ~0ull);
    check("ARCH_CAPABILITIES", rdmsr(0x10a), ~0ull);
    check("no Meltdown, no MDS", msr_value & 0x21, 0x21);
    check("it cannot be written", wrmsr(0x10a, 0), 13);
}

/* RDTSC counts each instruction, wherever in a stretch of code it is. Without
 * -icount the host's clock may add to it now and then. */
static void test_rdtsc(void)
{
    int even = 0;
    for (unsigned i = 0; i < 100 && !even; i++) {
        uint32_t t[3];
        __asm__ volatile("rdtsc\n movl %%eax, %0\n rdtsc\n movl %%eax, %1\n"
                         "nop\n nop\n nop\n nop\n nop\n nop\n"
                         "rdtsc\n movl %%eax, %2"
                         : "=&r"(t[0]), "=&r"(t[1]), "=&r"(t[2])
                         : : "eax", "edx");
        even = t[1] != t[0] && t[2] - t[1] == 4 * (t[1] - t[0]);
    }
    check("RDTSC between other instructions", even, 1);
}

/* Time goes on between an instruction and the next, but not by a second. */
static void test_tsc(void)
{
    const uint64_t far = 1ull << 50;
    rdmsr(0x3b);
    uint64_t adjust = msr_value;
    rdmsr(0x10);
    uint64_t now = msr_value;
    wrmsr(0x3b, adjust + far);
    rdmsr(0x10);
    check("TSC_ADJUST moves the TSC", (msr_value - now) >> 40, far >> 40);
    wrmsr(0x10, now);
    rdmsr(0x3b);
    check("the TSC moves TSC_ADJUST", (int64_t)(msr_value - adjust) >> 40, -1);
    wrmsr(0x3b, adjust);
    uint32_t a = 0x80000007, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    check("the TSC is invariant", d >> 8 & 1, 1);
    wrmsr(0xc0000103, 0x12345678);
    TRY("movq $-1, %%rbx\n rdpid %%rbx\n movq %%rbx, got", "i"(0));
    check("RDPID", exc_vector, ~0ull);
    check("RDPID: TSC_AUX", got[0], 0x12345678);
}

static void test_lines(void)
{
    for (unsigned i = 0; i < 256; i++) {
        area[i] = 0x5a;
    }
    TRY("serialize\n movl $area+70, %%eax\n clzero\n clwb (%%rax)", "i"(0));
    check("SERIALIZE, CLZERO, CLWB", exc_vector, ~0ull);
    unsigned wrong = 0;
    for (unsigned i = 0; i < 256; i++) {
        wrong += ((volatile uint8_t *)area)[i] != (i / 64 == 1 ? 0 : 0x5a);
    }
    check("CLZERO clears a line", wrong, 0);
    pt[1] = PAGES + 0x1000 + 5;
    set_cr3((uint64_t)pml4);
    __asm__ volatile("movq %%cr0, %%rax\n orl $0x10000, %%eax\n"
                     "movq %%rax, %%cr0" : : : "rax");
    TRY("movl $0x401000, %%eax\n clwb (%%rax)", "i"(0));
    check("CLWB of a page that is read-only", exc_vector, ~0ull);
    TRY("movl $0x401000, %%eax\n clzero", "i"(0));
    check("CLZERO of it", FAULT, 14 << 16 | 3);
    pt[1] = 0;
    set_cr3((uint64_t)pml4);
    TRY("movl $0x401000, %%eax\n clwb (%%rax)", "i"(0));
    check("CLWB of one that is not there", FAULT, 14 << 16);
    pt[1] = PAGES + 0x1000 + 7;
    set_cr3((uint64_t)pml4);
}

/* --- FXSAVE: REX.W, EFER.FFXSR ----------------------------------------------------------- */

static uint64_t word(unsigned at)
{
    return *(volatile uint64_t *)(area + at);
}

static void test_fxsave(void)
{
    try_cr4(cr4() | CR4_OSFXSR);
    TRY("fninit\n pcmpeqb %%xmm9, %%xmm9\n fxsave64 area", "i"(0));
    *(volatile uint64_t *)(area + 8) = 0x123456789abcdef0;
    *(volatile uint64_t *)(area + 16) = 0xfedcba9876543210;
    TRY("fxrstor64 area\n fninit\n fxrstor64 area\n movq $0, area+8\n"
        "movq $0, area+16\n movq $0, area+304\n fxsave64 area", "i"(0));
    check("64 bits of FIP", word(8), 0x123456789abcdef0);
    check("64 bits of FDP", word(16), 0xfedcba9876543210);
    check("XMM9", word(304), ~0ull);
    TRY("fxsave area", "i"(0));
    check("32 bits of FIP, FCS", word(8), 0x9abcdef0);
    check("32 bits of FDP, FDS", word(16), 0x76543210);
    rdmsr(0xc0000080);
    uint64_t efer = msr_value;
    check("EFER.FFXSR", wrmsr(0xc0000080, efer | 0x4000), ~0ull);
    *(volatile uint64_t *)(area + 304) = 7;
    TRY("fxsave64 area", "i"(0));
    check("the kernel's FXSAVE leaves XMM out", word(304), 7);
    TRY("fxrstor64 area\n movq %%xmm9, got", "i"(0));
    check("so does FXRSTOR", got[0], ~0ull);
    RING3("fxsave64 area");
    check("ring 3's does not", word(304), ~0ull);
    wrmsr(0xc0000080, efer);
}

/* --- protection keys [4.6.2] -------------------------------------------------------------- */

static uint32_t cpuid_7_ecx(void)
{
    uint32_t a = 7, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c;
}

static void wrpkru(uint32_t v)
{
    got[0] = v;
    TRY("movl got, %%eax\n xorl %%ecx, %%ecx\n xorl %%edx, %%edx\n wrpkru",
        "i"(0));
}

#define KEY3(bits) ((bits) << 6)
#define LOAD "movl 0x401000, %%ebx"
#define STORE "movl %%ebx, 0x401000"

static void test_pkru(void)
{
    wrpkru(0);
    check("WRPKRU without CR4.PKE", exc_vector, 6);
    check("no OSPKE", cpuid_7_ecx() >> 3 & 3, 1);
    check("PKE", try_cr4(cr4() | CR4_PKE), ~0ull);
    check("OSPKE", cpuid_7_ecx() >> 3 & 3, 3);
    TRY("movl $1, %%ecx\n rdpkru", "i"(0));
    check("RDPKRU with ECX", FAULT, 13 << 16);
    TRY("xorl %%ecx, %%ecx\n movl $1, %%edx\n wrpkru", "i"(0));
    check("WRPKRU with EDX", FAULT, 13 << 16);
    *(volatile uint8_t *)0x401000 = 0xc3;
    pt[1] = (PAGES + 0x1000) | 7 | 3ull << 59;
    set_cr3((uint64_t)pml4);
    TRY(LOAD "\n" STORE, "i"(0));
    check("PKRU = 0 denies nothing", exc_vector, ~0ull);
    wrpkru(KEY3(1));
    TRY("xorl %%ecx, %%ecx\n rdpkru\n movl %%eax, got\n movl %%edx, got+4",
        "i"(0));
    check("RDPKRU", got[0], KEY3(1));
    TRY(LOAD, "i"(0));
    check("AD: the kernel may not load", FAULT, 14 << 16 | 0x21);
    TRY(STORE, "i"(0));
    check("nor store", FAULT, 14 << 16 | 0x23);
    RING3(LOAD);
    check("nor a program load", FAULT, 14 << 16 | 0x25);
    RING3("movl $0x401000, %%eax\n call *%%rax");
    check("but call", exc_vector, 128);
    wrpkru(KEY3(2));
    RING3(LOAD);
    check("WD: a program may load", exc_vector, 128);
    RING3(STORE);
    check("but not store", FAULT, 14 << 16 | 0x27);
    TRY(STORE, "i"(0));
    check("nor may the kernel", FAULT, 14 << 16 | 0x23);
    __asm__ volatile("movq %%cr0, %%rax\n andl $~0x10000, %%eax\n"
                     "movq %%rax, %%cr0" : : : "rax");
    TRY(STORE, "i"(0));
    check("unless CR0.WP is clear", exc_vector, ~0ull);
    __asm__ volatile("movq %%cr0, %%rax\n orl $0x10000, %%eax\n"
                     "movq %%rax, %%cr0" : : : "rax");
    wrpkru(~3u);
    pt[1] = (PAGES + 0x1000) | 3 | 2ull << 59;
    set_cr3((uint64_t)pml4);
    TRY(LOAD "\n" STORE, "i"(0));
    check("the kernel's pages have no key", exc_vector, ~0ull);
    wrpkru(0);
    pt[1] = (PAGES + 0x1000) | 7;
    set_cr3((uint64_t)pml4);
}

static void test_pkru_saved(void)
{
    try_cr4(cr4() | CR4_OSXSAVE);
    TRY("xorl %%ecx, %%ecx\n movl $0x201, %%eax\n xorl %%edx, %%edx\n xsetbv",
        "i"(0));
    check("XCR0 with PKRU", exc_vector, ~0ull);
    wrpkru(0x1230);
    for (unsigned i = 0; i < sizeof area; i++) {
        area[i] = 0;
    }
    TRY("movl $0x200, %%eax\n xorl %%edx, %%edx\n xsave area", "i"(0));
    check("XSAVE of PKRU", word(512), 0x200);
    check("it is at 832", word(832), 0x1230);
    wrpkru(0);
    TRY("movl $1, %%ecx\n xgetbv\n andl $0x200, %%eax\n movl %%eax, got",
        "i"(0));
    check("0 is not in use", (uint32_t)got[0], 0);
    TRY("movl $0x200, %%eax\n xorl %%edx, %%edx\n xrstor area\n"
        "xorl %%ecx, %%ecx\n rdpkru\n movl %%eax, got", "i"(0));
    check("XRSTOR of PKRU", (uint32_t)got[0], 0x1230);
    TRY("movl $0x201, %%eax\n xorl %%edx, %%edx\n xsavec area", "i"(0));
    check("compacted it is at 576", word(576), 0x1230);
    wrpkru(0);
    try_cr4(cr4() & ~(uint64_t)CR4_PKE);
}

/* --- five levels [4.5] ----------------------------------------------------------------------- */

void set_cr4_outside(uint64_t cr4, uint64_t cr3);
__asm__(
    "set_cr4_outside:\n"
    " pushq $0x38\n pushq $1f\n lretq\n"
    ".code32\n"
    "1: movl %cr0, %eax\n andl $0x7fffffff, %eax\n movl %eax, %cr0\n"
    " movl %edi, %cr4\n movl %esi, %cr3\n"
    " orl $0x80000000, %eax\n movl %eax, %cr0\n"
    " ljmp $8, $2f\n"
    ".code64\n"
    "2: ret\n");

static void test_la57(void)
{
    uint32_t a = 0x80000008, b, c, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    check("57 bits of linear addresses", a >> 8 & 0xff, 57);
    check("LA57 cannot change in long mode", try_cr4(cr4() | CR4_LA57), 13);
    check("a register takes 57 bits", wrmsr(0xc0000102, 1ull << 50), ~0ull);
    check("and no more", wrmsr(0xc0000102, 1ull << 56), 13);
    TRY("movq $1, %%rax\n shlq $48, %%rax\n movq (%%rax), %%rbx", "i"(0));
    check("not canonical with four levels", FAULT, 13 << 16);
    pml5[0] = pml5[1] = (uint64_t)pml4 | 7;
    set_cr4_outside(cr4() | CR4_LA57, (uint64_t)pml5);
    check("LA57", cr4() & CR4_LA57, CR4_LA57);
    got[1] = 0x1122334455667788;
    TRY("movq $1, %%rax\n shlq $48, %%rax\n movq got+8(%%rax), %%rbx\n"
        "movq %%rbx, got", "i"(0));
    check("the same page by another way", got[0], 0x1122334455667788);
    TRY("movq $1, %%rax\n shlq $48, %%rax\n leaq 1f, %%rbx\n"
        "addq %%rax, %%rbx\n jmpq *%%rbx\n1: leaq (%%rip), %%rcx\n"
        "movq %%rcx, got\n movq $2f, %%rbx\n jmpq *%%rbx\n2:", "i"(0));
    check("code runs there", got[0] >> 48, 1);
    TRY("movq $1, %%rax\n shlq $52, %%rax\n movq (%%rax), %%rbx", "i"(0));
    check("canonical, and not there", FAULT, 14 << 16);
    check("CR2 has it all", cr2(), 1ull << 52);
    TRY("movq $1, %%rax\n shlq $56, %%rax\n movq (%%rax), %%rbx", "i"(0));
    check("not canonical", FAULT, 13 << 16);
    TRY("movq $1, %%rax\n shlq $56, %%rax\n jmpq *%%rax", "i"(0));
    check("JMP out of range", FAULT, 13 << 16);
    pml5[1] |= 0x80;
    set_cr3((uint64_t)pml5);
    TRY("movq $1, %%rax\n shlq $48, %%rax\n movq (%%rax), %%rbx", "i"(0));
    check("bit 7 is reserved", FAULT, 14 << 16 | 9);
    set_cr4_outside(cr4() & ~(uint64_t)CR4_LA57, (uint64_t)pml4);
    check("four levels again", cr4() & CR4_LA57, 0);
}

void guest_main(void);

void guest_main(void)
{
    serial_init();
    load_tables();
    make_pages();
    test_umip();
    test_pcid();
    test_monitor();
    test_speculation();
    test_rdtsc();
    test_tsc();
    test_lines();
    test_fxsave();
    test_pkru();
    test_pkru_saved();
    test_la57();
    report("cpu64");
}
