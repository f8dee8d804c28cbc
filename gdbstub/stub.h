/*
 * The stub's state, shared by its files. Private to gdbstub/.
 */
#ifndef GDBSTUB_STUB_H
#define GDBSTUB_STUB_H

#include "packet.h"
#include "svc/gdbstub.h"
#include "vm/cpu.h"

/* Types of Z packets. ORDER gdb-point */
typedef enum PointType {
    POINT_SOFTWARE, POINT_HARDWARE, POINT_WRITE, POINT_READ, POINT_ACCESS,
    POINT_TYPE_COUNT
} PointType;

typedef struct Point {
    PointType type;
    GuestAddr addr;
    uint64_t len;
    GPtrArray *conditions; /* GBytes, agent expressions: one must hold;
                            * NULL: none. Shared by reference. */
} Point;

/* Signal numbers of stop replies (GDB manual, include/gdb/signals.def). */
enum { GDB_SIGINT = 2, GDB_SIGTRAP = 5 };

struct Gdbstub {
    Machine *machine;
    Replay *replay;
    Chardev *chr;
    PacketReader reader;
    GByteArray *sent;          /* last frame, for a NAK */
    GString *reply;
    const CpuGdbView *view;    /* as told to this debugger */
    Cpu *cpu;                  /* the thread that its packets are about: the
                                * one that stopped, or that it selected */
    Cpu *resume_cpu;           /* the one that is to move (Hc); NULL: any */
    const Cpu *stepping;       /* a step of this one is under way */
    bool connected;
    bool no_ack;
    bool swbreak, hwbreak;     /* it understands these stop reasons */
    bool physical;             /* its addresses of memory are physical */
    bool waiting;              /* it resumed the machine and wants a reply */
    bool interrupted;          /* ^C came */
    bool travelling;           /* inside a reverse command */
    GQueue held;               /* GByteArray: packets that came while the
                                * machine was on a journey */
    guint held_source;
    bool came, left;           /* debuggers did, meanwhile */
    unsigned peer;             /* counts them */
    unsigned serving;          /* whose packet is being carried out; 0: none's */
    char *last_stop;           /* the answer to `?` */

    /* gdb removes and inserts its points at every stop: they are brought to
     * the CPU only when it runs again, and only if they changed. */
    GArray *points;            /* Point: wanted */
    GArray *active;            /* Point: in the CPU */
};

static inline Cpu *stub_cpu(Gdbstub *g)
{
    return g->cpu;
}

/* The n-th vCPU, NULL behind the last; threads are numbered from 1. */
static inline Cpu *stub_nth_cpu(Gdbstub *g, guint n)
{
    const GPtrArray *cpus = g->machine->cpus;
    return n < cpus->len ? g_ptr_array_index(cpus, n) : NULL;
}

/* --- server.c -------------------------------------------------------------- */

/* Sends g->reply as a packet. */
void stub_send_reply(Gdbstub *g);
/* Sends text as a packet. */
void stub_send(Gdbstub *g, const char *text);
/* Sends "E.MESSAGE", which gdb shows, and frees the error. */
void stub_send_error(Gdbstub *g, Error *err);
/* Text that gdb prints while it waits for an answer. */
void stub_send_text(Gdbstub *g, const char *text, size_t len);
/* A stop reply: the signal, the present thread, and what else there is to say. */
char *stub_stop_text(Gdbstub *g, int signal, const char *rest);
/* The debugger is to hear why the machine stopped. */
void stub_send_stop(Gdbstub *g, char *stop);

/* --- commands.c ------------------------------------------------------------- */

/* Carries out a packet (with a NUL behind it), and answers it. */
void command_run(Gdbstub *g, const char *packet, size_t len);

/* --- breakpoint.c ------------------------------------------------------------ */

/* Takes the conditions over; the same point again: they are replaced. */
bool point_insert(Gdbstub *g, const Point *p);
bool point_remove(Gdbstub *g, const Point *p);
/* Cpu.break_holds: whether a breakpoint at the present place stops. */
bool points_hold(void *opaque, Cpu *cpu);
/* Every vCPU asks so, or none does any more. */
void points_ask(Gdbstub *g, bool ask);
/* Brings the wanted points to the CPU. */
void points_sync(Gdbstub *g);
/* Forgets all; the CPU's too. */
void points_clear(Gdbstub *g);
/* The stop reply for the present place: "T05watch:1234;…", signal 5. */
char *point_stop_reply(Gdbstub *g, const WatchHit *hit);

/* --- resume.c ------------------------------------------------------------------ */

void resume_continue(Gdbstub *g);
void resume_step(Gdbstub *g, const Cpu *cpu);
/* The debugger goes, the machine runs on if it can; answers the packet. */
void resume_detached(Gdbstub *g);
/* Back one instruction, or to the last hit; answers the packet. */
void resume_reverse(Gdbstub *g, bool step);
/* The run state changed while the debugger waited. */
void resume_stopped(Gdbstub *g, RunState state);

#endif
