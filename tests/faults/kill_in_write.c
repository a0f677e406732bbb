/* Kills a process in the middle of one of its own writes: loaded before the C library, it counts the calls that change unfinished
 * files (NAME.part) in a folder, writes half of the bytes of the chosen one, and ends the process by SIGKILL.
 *
 * KILL_FOLDER  the folder of the files, as /proc has it
 * KILL_RANK    the rank that is killed, of Open MPI's world; "none": a process outside of any
 * KILL_CALL    number of the call, from 1; 0: none, all are only counted
 * KILL_NOTE    a file that gets what was killed, or at the end how many calls there were
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static long calls;

static const char *get(const char *name) {
    const char *value = getenv(name);
    return value ? value : "";
}

static int chosen_process(void) {
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    return *get("KILL_FOLDER") && strcmp(rank ? rank : "none", get("KILL_RANK")) == 0;
}

static void note(const char *what, const char *path, size_t half, size_t bytes) {
    FILE *file = fopen(get("KILL_NOTE"), "w");
    if (file) {
        fprintf(file, "%ld %s %s %zu of %zu\n", calls, what, path, half, bytes);
        fclose(file);
    }
}

/* Whether this call, which changes the file of this path, is the one. */
static int due_path(const char *path) {
    size_t length = strlen(path), folder = strlen(get("KILL_FOLDER"));
    if (!chosen_process() || strncmp(path, get("KILL_FOLDER"), folder) || length < 5 || strcmp(path + length - 5, ".part") ||
        strstr(path, "progress.json"))
        return 0;
    return __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) == atol(get("KILL_CALL"));
}

static int due(int file, char *path, size_t size) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = *get("KILL_FOLDER") ? readlink(link, path, size - 1) : -1;
    path[length < 0 ? 0 : length] = 0;
    return length > 0 && due_path(path);
}

static void end(const char *what, const char *path, size_t half, size_t bytes) {
    note(what, path, half, bytes);
    kill(getpid(), SIGKILL);
    pause();
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int file, const void *data, size_t bytes) {
    char path[4096];
    if (due(file, path, sizeof path)) {
        REAL(write)(file, data, bytes / 2);
        end("write", path, bytes / 2, bytes);
    }
    return REAL(write)(file, data, bytes);
}

#define POSITIONED(name, offset)                                               \
    ssize_t name(int file, const void *data, size_t bytes, offset place) {     \
        char path[4096];                                                       \
        if (due(file, path, sizeof path)) {                                    \
            REAL(name)(file, data, bytes / 2, place);                          \
            end(#name, path, bytes / 2, bytes);                                \
        }                                                                      \
        return REAL(name)(file, data, bytes, place);                           \
    }
POSITIONED(pwrite, off_t)
POSITIONED(pwrite64, off64_t)

/* Half of the bytes of pieces: whole pieces, and a part of the one that the middle falls into. */
#define PIECES(name, offset)                                                   \
    ssize_t name(int file, const struct iovec *pieces, int count, offset place) { \
        char path[4096];                                                       \
        if (due(file, path, sizeof path)) {                                    \
            size_t bytes = 0, done = 0;                                        \
            for (int i = 0; i < count; i++) bytes += pieces[i].iov_len;        \
            for (int i = 0; i < count && done < bytes / 2; i++) {              \
                size_t left = bytes / 2 - done;                                \
                size_t own = pieces[i].iov_len < left ? pieces[i].iov_len : left; \
                REAL(pwrite)(file, pieces[i].iov_base, own, place + done);     \
                done += own;                                                   \
            }                                                                  \
            end(#name, path, done, bytes);                                     \
        }                                                                      \
        return REAL(name)(file, pieces, count, place);                         \
    }
PIECES(pwritev, off_t)
PIECES(pwritev64, off64_t)

ssize_t writev(int file, const struct iovec *pieces, int count) {
    char path[4096];
    if (due(file, path, sizeof path)) {
        REAL(write)(file, pieces[0].iov_base, pieces[0].iov_len / 2);
        end("writev", path, pieces[0].iov_len / 2, pieces[0].iov_len);
    }
    return REAL(writev)(file, pieces, count);
}

#define BEFORE(name, declared, file, ...)                                      \
    int name declared {                                                        \
        char path[4096];                                                       \
        if (due(file, path, sizeof path)) end(#name, path, 0, 0);              \
        return REAL(name)(__VA_ARGS__);                                        \
    }
BEFORE(fsync, (int file), file, file)
BEFORE(ftruncate, (int file, off_t size), file, file, size)
BEFORE(ftruncate64, (int file, off64_t size), file, file, size)

int rename(const char *from, const char *to) {
    char path[4096];
    if (*get("KILL_FOLDER") && realpath(from, path) && due_path(path)) end("rename", path, 0, 0);
    return REAL(rename)(from, to);
}

__attribute__((destructor)) static void told(void) {
    if (chosen_process() && atol(get("KILL_CALL")) == 0) note("calls", get("KILL_FOLDER"), 0, 0);
}
