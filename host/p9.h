/*
 * A server of the 9P2000.L protocol over a folder of the host: the files p9*.c.
 * It runs on a share's worker thread and nowhere else.
 *
 * The client is a guest and not trusted. A file identifier (fid) stands for a
 * path below the folder, kept as names joined by '/': no name is ".", ".." or
 * has a '/'. To reach one, each folder on the way is opened by its name alone
 * without following a symbolic link (p9_hold()), so there is no way out; what
 * is opened for data is a regular file or a folder, never a device or a pipe
 * of the host.
 */
#ifndef HOST_P9_H
#define HOST_P9_H

#include "io/share-open.h"

#include <dirent.h>
#include <sys/stat.h>

#define P9_HEADER     7u       /* size[4] type[1] tag[2] */
#define P9_QID_BYTES  13u
#define P9_IO_HEADER  11u      /* of Rread and Rreaddir */
#define P9_FIDS_MAX   65536u
#define P9_NAME_MAX   255u
#define P9_NO_FID     UINT32_MAX

typedef struct P9Fid {
    uint32_t id;
    uint32_t uid;          /* who attached: owner of what is made */
    char *path;            /* "" is the folder itself */
    int fd;                /* opened for data, or -1 */
    DIR *dir;              /* the same for a folder; it owns fd */
    GByteArray *xattr;     /* the fid is an extended attribute's value */
    char *xattr_name;      /* that is being written; NULL: read */
    uint64_t xattr_bytes;
    int xattr_flags;
} P9Fid;

typedef struct P9 {
    int root_fd;
    dev_t root_dev;
    ShareModel model;
    bool readonly;
    mode_t file_mode, folder_mode;
    GHashTable *fids;      /* id -> P9Fid */
    unsigned open_count, open_max;
    uint32_t msize;        /* of this session */
    size_t room;           /* for the present answer */
} P9;

/* --- messages (p9-wire.c) --------------------------------------------------- */

typedef struct P9In {
    const uint8_t *at, *end;
    bool bad;              /* it ended too early, or a string has a NUL */
} P9In;

uint64_t p9_get(P9In *in, unsigned bytes);
/* A string; freed by the caller, never NULL. */
char *p9_get_string(P9In *in);
void p9_put(GByteArray *out, unsigned bytes, uint64_t v);
void p9_put_string(GByteArray *out, const char *s);

/* --- fids and places (p9-fid.c) ---------------------------------------------- */

P9Fid *p9_fid_find(P9 *p, uint32_t id);
/* NULL: that number is in use, or there are too many. */
P9Fid *p9_fid_new(P9 *p, uint32_t id, const char *path, uint32_t uid);
void p9_fid_close(P9 *p, P9Fid *f);
void p9_fid_remove(P9 *p, P9Fid *f);
/* What was at path from is now at path to: all fids follow. */
void p9_fids_move(P9 *p, const char *from, const char *to);

/* Whether a guest may call something so. */
bool p9_name_good(const char *name);
/* "a/b" of "a" and "b"; freed by the caller. */
char *p9_path_join(const char *path, const char *name);
/* Of a path without its last name; freed by the caller. */
char *p9_path_parent(const char *path);
/* Opens a place as such (O_PATH), a symbolic link included; negative errno. */
int p9_hold(P9 *p, const char *path);
/* The same for a name in a folder that is held. */
int p9_hold_name(int folder, const char *name);
/* What is held, by a name that leads to it and nowhere else. */
typedef struct P9Proc {
    char name[40];
} P9Proc;
P9Proc p9_proc(int held);

/* --- attributes (p9-attr.c) ----------------------------------------------------- */

/* The attributes of what is held or open, as the guest sees them; errno. */
int p9_stat(P9 *p, int fd, struct stat *st);
void p9_put_qid(P9 *p, GByteArray *out, const struct stat *st);
/* The owner and mode of something new that is held; errno. */
int p9_own(P9 *p, int held, uint32_t uid, uint32_t gid, uint32_t mode);
/* In a mapped share: what it is besides a file. */
int p9_set_device(P9 *p, int held, uint64_t device);
int p9_getattr(P9 *p, P9In *in, GByteArray *out);
int p9_setattr(P9 *p, P9In *in, GByteArray *out);
int p9_statfs(P9 *p, P9In *in, GByteArray *out);

/* --- operations: 0 or errno ------------------------------------------------------- */

/* p9-file.c */
int p9_lopen(P9 *p, P9In *in, GByteArray *out);
int p9_lcreate(P9 *p, P9In *in, GByteArray *out);
int p9_read(P9 *p, P9In *in, GByteArray *out);
int p9_write(P9 *p, P9In *in, GByteArray *out);
int p9_fsync(P9 *p, P9In *in, GByteArray *out);
/* p9-folder.c */
int p9_readdir(P9 *p, P9In *in, GByteArray *out);
/* p9-name.c */
int p9_symlink(P9 *p, P9In *in, GByteArray *out);
int p9_mknod(P9 *p, P9In *in, GByteArray *out);
int p9_mkdir(P9 *p, P9In *in, GByteArray *out);
int p9_link(P9 *p, P9In *in, GByteArray *out);
int p9_readlink(P9 *p, P9In *in, GByteArray *out);
int p9_rename(P9 *p, P9In *in, GByteArray *out);
int p9_renameat(P9 *p, P9In *in, GByteArray *out);
int p9_unlinkat(P9 *p, P9In *in, GByteArray *out);
int p9_remove(P9 *p, P9In *in, GByteArray *out);
/* p9-xattr.c */
int p9_xattrwalk(P9 *p, P9In *in, GByteArray *out);
int p9_xattrcreate(P9 *p, P9In *in, GByteArray *out);
/* A written attribute is set when its fid is clunked. */
int p9_xattr_finish(P9 *p, P9Fid *f);

/* --- the server (p9.c) ---------------------------------------------------------------- */

/* Over the folder that root_fd is; owned by the server from then on. */
P9 *p9_new(int root_fd, const ShareSpec *spec);
void p9_free(P9 *p);
/* The answer to a message, of at most room bytes. */
GByteArray *p9_answer(P9 *p, const uint8_t *message, size_t len, size_t room);

#endif
