/*
 * Names for positions in a replay.
 */
#include "travel.h"

static ReplayBookmark *bookmark(const Replay *r, guint i)
{
    return &g_array_index(r->bookmarks, ReplayBookmark, i);
}

static guint find(const Replay *r, const char *name)
{
    guint i = 0;
    while (i < r->bookmarks->len && !g_str_equal(bookmark(r, i)->name, name)) {
        i++;
    }
    return i;
}

bool bookmark_at(const Replay *r, Icount icount)
{
    for (guint i = 0; i < r->bookmarks->len; i++) {
        if (bookmark(r, i)->icount == icount) {
            return true;
        }
    }
    return false;
}

static void drop(Replay *r, guint i)
{
    Icount icount = bookmark(r, i)->icount;
    g_free(bookmark(r, i)->name);
    g_array_remove_index(r->bookmarks, i);
    if (r->timeline && !bookmark_at(r, icount)) {
        timeline_unpin(r->timeline, icount);
    }
}

static bool may_go_back(const Replay *r, Error **errp)
{
    if (!replay_can_reverse(r)) {
        error_set(errp, "bookmarks are for replays with a timeline");
    }
    return replay_can_reverse(r);
}

bool replay_bookmark(Replay *r, const char *name, Error **errp)
{
    if (!may_go_back(r, errp) || !travel_allowed(r->m, errp)) {
        return false;
    }
    if (!g_ascii_isalpha(*name) && *name != '_') {
        error_set(errp, "a bookmark's name begins with a letter, not like "
                  "'%s'", name);
        return false;
    }
    replay_diversion_end(r);
    if (find(r, name) < r->bookmarks->len) {
        drop(r, find(r, name));
    }
    ReplayBookmark b = { g_strdup(name), machine_icount(r->m) };
    guint at = 0;
    while (at < r->bookmarks->len && bookmark(r, at)->icount <= b.icount) {
        at++;
    }
    g_array_insert_val(r->bookmarks, at, b);
    if (r->m->sched.at_boundary) {
        timeline_add(r->timeline, true);
    }
    return true;
}

bool replay_bookmark_delete(Replay *r, const char *name, Error **errp)
{
    if (!may_go_back(r, errp)) {
        return false;
    }
    guint i = find(r, name);
    if (i == r->bookmarks->len) {
        error_set(errp, "there is no bookmark '%s'", name);
        return false;
    }
    drop(r, i);
    return true;
}

const GArray *replay_bookmarks(const Replay *r)
{
    return r ? r->bookmarks : NULL;
}

bool replay_bookmark_find(const Replay *r, const char *name, Icount *icount)
{
    guint i = r ? find(r, name) : 0;
    if (!r || i == r->bookmarks->len) {
        return false;
    }
    *icount = bookmark(r, i)->icount;
    return true;
}

void bookmarks_free(GArray *bookmarks)
{
    for (guint i = 0; i < bookmarks->len; i++) {
        g_free(g_array_index(bookmarks, ReplayBookmark, i).name);
    }
    g_array_free(bookmarks, TRUE);
}

void bookmarks_cut(Replay *r, Icount icount)
{
    for (guint i = r->bookmarks->len; i-- > 0;) {
        if (bookmark(r, i)->icount > icount) {
            drop(r, i);
        }
    }
}
