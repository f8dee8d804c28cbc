/*
 * QMP: snapshots as jobs (qapi/block.json). A job here is over when its command
 * returns, for the machine stands still meanwhile; clients that watch it see
 * the states in the order that QEMU's go through.
 */
#include "monitor.h"
#include "qapi-events.h"
#include "svc/snapshot.h"

typedef struct Job {
    char *id;
    JobType type;
    char *error;           /* NULL: it went well */
} Job;

static void job_free(void *opaque)
{
    Job *job = opaque;
    g_free(job->id);
    g_free(job->error);
    g_free(job);
}

/* The jobs that this session has not dismissed. */
static GPtrArray *jobs_of(QmpContext *ctx)
{
    Monitor *mon = ctx->session;
    if (!mon->jobs) {
        mon->jobs = g_ptr_array_new_with_free_func(job_free);
    }
    return mon->jobs;
}

static Job *job_find(QmpContext *ctx, const char *id, Error **errp)
{
    GPtrArray *jobs = jobs_of(ctx);
    for (guint i = 0; i < jobs->len; i++) {
        Job *job = g_ptr_array_index(jobs, i);
        if (g_str_equal(job->id, id)) {
            return job;
        }
    }
    error_set(errp, "Job not found");
    return NULL;
}

static void tell(QmpContext *ctx, const Job *job, JobStatus status)
{
    events_send(ctx->session,
                qapi_event_job_status_change(job->id, status));
}

/* --- which disks ------------------------------------------------------------ */

static BlockDev *disk_find(QmpContext *ctx, const char *node, Error **errp)
{
    guint at = 0;
    BlockDev *b;
    while ((b = machine_disk_next(ctx->machine, &at))) {
        if (g_str_equal(blockdev_node(b), node)) {
            return b;
        }
    }
    error_set(errp, "No block device node '%s'", node);
    return NULL;
}

static bool lists(const json_t *devices, const char *node)
{
    size_t i;
    const json_t *name;
    json_array_foreach((json_t *)devices, i, name) {
        if (g_strcmp0(json_string_value(name), node) == 0) {
            return true;
        }
    }
    return false;
}

/* A machine goes back as a whole: all disks that can are part of a snapshot. */
static bool check_disks(QmpContext *ctx, const json_t *devices, Error **errp)
{
    size_t i;
    const json_t *name;
    json_array_foreach((json_t *)devices, i, name) {
        const char *node = json_string_value(name);
        if (!node) {
            error_set(errp, "Parameter 'devices' takes names of nodes");
            return false;
        }
        if (!disk_find(ctx, node, errp)) {
            return false;
        }
    }
    guint at = 0;
    BlockDev *b;
    while ((b = machine_disk_next(ctx->machine, &at))) {
        if (blockdev_can_snapshot(b) && !lists(devices, blockdev_node(b))) {
            error_set(errp, "Parameter 'devices' lacks '%s': a snapshot is one "
                      "of all disks that can have one", blockdev_node(b));
            return false;
        }
    }
    return true;
}

/* --- running one ------------------------------------------------------------------ */

static bool job_work(QmpContext *ctx, JobType type, const char *tag,
                     Error **errp)
{
    uint64_t pos;
    switch (type) {
    case JOB_TYPE_SNAPSHOT_SAVE:
        return replay_savevm(ctx->machine, ctx->replay, tag, errp);
    case JOB_TYPE_SNAPSHOT_LOAD:
        return ctx->replay ? replay_loadvm(ctx->replay, tag, errp)
                           : snapshot_loadvm(ctx->machine, tag, &pos, errp);
    default:
        return snapshot_delvm(ctx->machine, tag, errp);
    }
}

static void job_run(QmpContext *ctx, Job *job, const char *tag)
{
    static const JobStatus after[] = { JOB_STATUS_WAITING, JOB_STATUS_PENDING,
                                       JOB_STATUS_CONCLUDED };
    Error *err = NULL;
    g_ptr_array_add(jobs_of(ctx), job);
    tell(ctx, job, JOB_STATUS_CREATED);
    tell(ctx, job, JOB_STATUS_RUNNING);
    if (job_work(ctx, job->type, tag, &err)) {
        tell(ctx, job, after[0]);
        tell(ctx, job, after[1]);
    } else {
        job->error = g_strdup(error_message(err));
        error_free(err);
        tell(ctx, job, JOB_STATUS_ABORTING);
    }
    tell(ctx, job, after[2]);
}

static void job_start(QmpContext *ctx, JobType type, const char *id,
                      const char *tag, Error **errp)
{
    if (!ctx->session) {
        error_set(errp, "A job needs a QMP session");
        return;
    }
    if (!*id || job_find(ctx, id, NULL)) {
        error_set(errp, *id ? "Job ID '%s' already in use"
                            : "Invalid job ID '%s'", id);
        return;
    }
    Job *job = g_new0(Job, 1);
    job->id = g_strdup(id);
    job->type = type;
    job_run(ctx, job, tag);
}

void qmp_snapshot_save(QmpContext *ctx, const char *job_id, const char *tag,
                       const char *vmstate, json_t *devices, Error **errp)
{
    if (disk_find(ctx, vmstate, errp) && check_disks(ctx, devices, errp)) {
        job_start(ctx, JOB_TYPE_SNAPSHOT_SAVE, job_id, tag, errp);
    }
}

void qmp_snapshot_load(QmpContext *ctx, const char *job_id, const char *tag,
                       const char *vmstate, json_t *devices, Error **errp)
{
    if (disk_find(ctx, vmstate, errp) && check_disks(ctx, devices, errp)) {
        job_start(ctx, JOB_TYPE_SNAPSHOT_LOAD, job_id, tag, errp);
    }
}

void qmp_snapshot_delete(QmpContext *ctx, const char *job_id, const char *tag,
                         json_t *devices, Error **errp)
{
    if (check_disks(ctx, devices, errp)) {
        job_start(ctx, JOB_TYPE_SNAPSHOT_DELETE, job_id, tag, errp);
    }
}

/* --- those that have ended --------------------------------------------------------- */

json_t *qmp_query_jobs(QmpContext *ctx, Error **errp)
{
    json_t *list = json_array();
    const GPtrArray *jobs = ctx->session ? jobs_of(ctx) : NULL;
    for (guint i = 0; jobs && i < jobs->len; i++) {
        const Job *job = g_ptr_array_index(jobs, i);
        JobInfo info = { job->id, job->type, JOB_STATUS_CONCLUDED, 1, 1,
                         job->error };
        json_array_append_new(list, qapi_put_JobInfo(&info));
    }
    return list;
}

void qmp_job_dismiss(QmpContext *ctx, const char *id, Error **errp)
{
    Job *job = ctx->session ? job_find(ctx, id, errp) : NULL;
    if (job) {
        tell(ctx, job, JOB_STATUS_NULL);
        g_ptr_array_remove(jobs_of(ctx), job);
    }
}

void qmp_job_cancel(QmpContext *ctx, const char *id, Error **errp)
{
    if (ctx->session && job_find(ctx, id, errp)) {
        error_set(errp, "Job '%s' in state 'concluded' cannot accept command "
                  "verb 'cancel'", id);
    }
}
