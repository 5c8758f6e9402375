/* A disk that can be made to fail, to dawdle, to lie, and to lose what was not synced: loaded before
 * the C library into `rollcall serve` on SQLite (LD_PRELOAD), it stands between SQLite and its files.
 *
 * ROLLCALL_TORTURE_DISK names a folder with
 *   control   a struct control, mapped into memory: the harness changes it while the server runs
 *   undo.db, undo.wal, undo.journal   for each file, what every change since its last sync overwrote:
 *             struct change and the old bytes. A sync that succeeds empties it. When the process is
 *             killed the harness plays it back: the file is then what a power cut may leave.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct control {
    int32_t sync_errno;  /* what syncs fail with; 0: they succeed */
    int32_t write_errno; /* what writes fail with */
    int32_t all_errno;   /* what everything fails with, reads too */
    int32_t delay_us;    /* how long a write or a sync takes besides */
    int32_t lies;        /* 1: a sync says yes and does nothing */
    int32_t keeps_undo;  /* 1: what is overwritten is kept until it is synced */
    int64_t writes;
    int64_t syncs;
};

struct change {
    uint64_t offset;
    uint64_t size;   /* of the file before */
    uint64_t old;    /* how many old bytes follow */
    uint64_t length; /* of the write; for a truncation the size after */
    uint64_t is_truncation;
};

enum { UNKNOWN, OTHER, DATABASE, WAL, JOURNAL, KINDS };
enum { MOST_FILES = 65536 };

static unsigned char kinds[MOST_FILES];
static int undo[KINDS] = {-1, -1, -1, -1, -1};
static volatile struct control *control;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_read)(int, void *, size_t);
static int (*real_truncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_close)(int);

static int undo_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

__attribute__((constructor)) static void begin(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_pread = dlsym(RTLD_NEXT, "pread64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_read = dlsym(RTLD_NEXT, "read");
    real_truncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_close = dlsym(RTLD_NEXT, "close");
    const char *folder = getenv("ROLLCALL_TORTURE_DISK");
    if (!folder) return;
    char path[4096];
    snprintf(path, sizeof path, "%s/control", folder);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *map = fd < 0 ? MAP_FAILED : mmap(0, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        fprintf(stderr, "disk.c: %s cannot be mapped\n", path);
        abort();
    }
    undo[DATABASE] = undo_file(folder, "undo.db");
    undo[WAL] = undo_file(folder, "undo.wal");
    undo[JOURNAL] = undo_file(folder, "undo.journal");
    control = map;
}

static int ends(const char *text, const char *end) {
    size_t a = strlen(text), b = strlen(end);
    return a >= b && strcmp(text + a - b, end) == 0;
}

/* Which of the database's files this is, if one. */
static int kind(int fd) {
    if (!control || fd < 0 || fd >= MOST_FILES) return OTHER;
    if (kinds[fd] != UNKNOWN) return kinds[fd];
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    int found = ends(path, "/rollcall.db")           ? DATABASE
                : ends(path, "/rollcall.db-wal")     ? WAL
                : ends(path, "/rollcall.db-journal") ? JOURNAL
                                                     : OTHER;
    kinds[fd] = (unsigned char)found;
    return found;
}

static int fails(int error) {
    if (!error) return 0;
    errno = error;
    return 1;
}

/* Keeps what a change is about to overwrite. */
static void keep(int which, int fd, uint64_t offset, uint64_t length, int is_truncation) {
    struct stat now;
    if (!control->keeps_undo || fstat(fd, &now)) return;
    uint64_t size = (uint64_t)now.st_size, from = offset, old = 0;
    if (is_truncation) {
        from = length;
        old = size > length ? size - length : 0;
    } else if (offset < size) {
        old = size - offset < length ? size - offset : length;
    }
    char *record = malloc(sizeof(struct change) + old);
    if (!record) abort();
    struct change change = {from, size, old, length, (uint64_t)is_truncation};
    memcpy(record, &change, sizeof change);
    if (real_pread(fd, record + sizeof change, old, (off_t)from) != (ssize_t)old) abort();
    if (real_write(undo[which], record, sizeof change + old) != (ssize_t)(sizeof change + old)) abort();
    free(record);
}

static ssize_t put(int which, int fd, const void *data, size_t length, off_t offset) {
    if (control->delay_us) usleep((useconds_t)control->delay_us);
    if (fails(control->all_errno) || fails(control->write_errno)) return -1;
    pthread_mutex_lock(&one);
    control->writes++;
    keep(which, fd, (uint64_t)offset, length, 0);
    ssize_t done = real_pwrite(fd, data, length, offset);
    pthread_mutex_unlock(&one);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off_t offset) {
    int which = kind(fd);
    return which == OTHER ? real_pwrite(fd, data, length, offset) : put(which, fd, data, length, offset);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    return pwrite64(fd, data, length, offset);
}

ssize_t write(int fd, const void *data, size_t length) {
    int which = kind(fd);
    if (which == OTHER) return real_write(fd, data, length);
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t done = put(which, fd, data, length, offset);
    if (done > 0) lseek(fd, offset + done, SEEK_SET);
    return done;
}

ssize_t pread64(int fd, void *data, size_t length, off_t offset) {
    if (kind(fd) != OTHER && fails(control->all_errno)) return -1;
    return real_pread(fd, data, length, offset);
}

ssize_t pread(int fd, void *data, size_t length, off_t offset) {
    return pread64(fd, data, length, offset);
}

ssize_t read(int fd, void *data, size_t length) {
    if (kind(fd) != OTHER && fails(control->all_errno)) return -1;
    return real_read(fd, data, length);
}

int ftruncate64(int fd, off_t size) {
    int which = kind(fd);
    if (which == OTHER) return real_truncate(fd, size);
    if (fails(control->all_errno) || fails(control->write_errno)) return -1;
    pthread_mutex_lock(&one);
    keep(which, fd, 0, (uint64_t)size, 1);
    int done = real_truncate(fd, size);
    pthread_mutex_unlock(&one);
    return done;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int sync_of(int fd, int (*real)(int)) {
    int which = kind(fd);
    if (which == OTHER) return real(fd);
    if (control->delay_us) usleep((useconds_t)control->delay_us);
    if (fails(control->all_errno) || fails(control->sync_errno)) return -1;
    if (control->lies) return 0;
    pthread_mutex_lock(&one);
    int done = real(fd);
    control->syncs++;
    if (done == 0 && control->keeps_undo && real_truncate(undo[which], 0)) abort();
    pthread_mutex_unlock(&one);
    return done;
}

int fsync(int fd) { return sync_of(fd, real_fsync); }

int fdatasync(int fd) { return sync_of(fd, real_fdatasync); }

int close(int fd) {
    if (fd >= 0 && fd < MOST_FILES) kinds[fd] = UNKNOWN;
    return real_close(fd);
}
