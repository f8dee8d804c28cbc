/*
 * One checkpoint: the whole machine at an icount, its disks, and its place in
 * the log.
 */
#include "timeline.h"

static void copy_out(void *opaque, const Section *s)
{
    g_byte_array_append(opaque, s->object, s->table->size_bytes);
}

typedef struct CopyIn {
    const uint8_t *p;
} CopyIn;

static void copy_in(void *opaque, const Section *s)
{
    CopyIn *in = opaque;
    if (s->table->size_bytes) {
        memcpy(s->object, in->p, s->table->size_bytes);
        in->p += s->table->size_bytes;
    }
}

Checkpoint *checkpoint_take(Timeline *t)
{
    Machine *m = t->r->m;
    Checkpoint *cp = g_new0(Checkpoint, 1);
    cp->icount = machine_icount(m);
    cp->at_boundary = m->sched.at_boundary;
    cp->arrived = m->sched.arrived;
    cp->touched = m->sched.touched;
    cp->excursion = t->r->present;
    cp->position = replay_log_position(t->r);
    if (t->r->mode == REPLAY_PLAY) {
        cp->cursor = t->r->play.at;
        cp->generation = t->r->log_generation;
    }
    cp->state = g_byte_array_sized_new(t->section_bytes);
    machine_sections(m, copy_out, cp->state);
    t->section_bytes = cp->state->len;
    cp->ram = mem_image_take(t->store);
    t->state_bytes += cp->state->len;
    cp->disks = g_ptr_array_new();
    guint at = 0;
    for (BlockDev *b; (b = machine_disk_next(m, &at));) {
        g_ptr_array_add(cp->disks, blockdev_mark(b));
    }
    return cp;
}

void timeline_open(Timeline *t)
{
    coverage_open(t->coverage, machine_icount(t->r->m));
    page_store_trace(t->store);
}

/* What a debugger left in the CPUs belongs to the place we left. */
static void forget_stops(Machine *m)
{
    for (guint i = 0; i < m->cpus->len; i++) {
        Cpu *cpu = g_ptr_array_index(m->cpus, i);
        cpu->watch_hit.valid = false;
        cpu->skip_break_icount = ICOUNT_NONE;
    }
}

void replay_leave(Replay *r)
{
    if (r->timeline) {
        coverage_close(r->timeline->coverage, machine_icount(r->m));
    }
}

void replay_land(Replay *r)
{
    forget_stops(r->m);
    if (r->timeline) {
        timeline_open(r->timeline);
    }
}

/* The log may have grown or been another one when the checkpoint was made. */
static void play_from(Replay *r, const Checkpoint *cp)
{
    LogCursor c = cp->cursor;
    Error *err = NULL;
    if (r->mode == REPLAY_RECORD) {
        return;
    }
    if (cp->generation != r->log_generation &&
        !log_reader_seek(r->play.log, cp->position, &c, &err)) {
        replay_diverged(r, "%s", error_message(err));
        error_free(err);
        return;
    }
    player_seek(&r->play, &c);
}

void checkpoint_restore(Timeline *t, const Checkpoint *cp)
{
    Machine *m = t->r->m;
    uint64_t before = page_store_bytes(t->store);
    replay_leave(t->r);
    mem_image_restore(t->store, cp->ram);
    if (m->debug.travelling && !t->left_bytes) {
        t->left_bytes = page_store_bytes(t->store) - before;
    }
    CopyIn in = { cp->state->data };
    machine_sections(m, copy_in, &in);
    guint at = 0;
    for (guint i = 0; i < cp->disks->len; i++) {
        const BlockMark *mark = g_ptr_array_index(cp->disks, i);
        BlockDev *b = machine_disk_next(m, &at);
        if (mark) {
            blockdev_return_to(b, mark);
        }
    }
    machine_rewire(m);
    m->sched.at_boundary = cp->at_boundary;
    m->sched.arrived = cp->arrived;
    m->sched.touched = cp->touched;
    runstate_rewind(m);
    replay_forgive(t->r);
    play_from(t->r, cp);
    replay_land(t->r);
}

void checkpoint_free(Timeline *t, Checkpoint *cp)
{
    if (!cp) {
        return;
    }
    for (guint i = 0; i < cp->disks->len; i++) {
        if (g_ptr_array_index(cp->disks, i)) {
            blockdev_mark_free(g_ptr_array_index(cp->disks, i));
        }
    }
    g_ptr_array_free(cp->disks, TRUE);
    t->state_bytes -= cp->state->len;
    g_byte_array_free(cp->state, TRUE);
    mem_image_free(t->store, cp->ram);
    g_free(cp);
}

uint64_t timeline_disk_bytes(const Timeline *t)
{
    uint64_t bytes = 0;
    guint at = 0;
    for (BlockDev *b; (b = machine_disk_next(t->r->m, &at));) {
        bytes += blockdev_past_bytes(b);
    }
    return bytes;
}
