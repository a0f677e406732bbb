/* Stands before the C library (LD_PRELOAD) and makes a disk slow or its quota used up, or the clock of the wall jump, for one process
   and its children. Each is asked for by a variable of the environment:
   FAULT_FOLDER  the folder whose files the first two are about
   FAULT_SLOW    microseconds that each write or fsync of such a file takes more
   FAULT_QUOTA   bytes that a process may write to such files; what is more is refused with EDQUOT
   FAULT_CLOCK   a file whose number, in seconds, is added to the clock of the wall, as it stands there at each look */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static long long written;

static int ours(int file) {
  const char *folder = getenv("FAULT_FOLDER");
  char link[64], path[4096];
  if (!folder) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return strncmp(path, folder, strlen(folder)) == 0;
}

static int refused(int file, size_t bytes) {
  const char *slow = getenv("FAULT_SLOW"), *quota = getenv("FAULT_QUOTA");
  if ((!slow && !quota) || !ours(file)) return 0;
  if (slow) usleep(atoi(slow));
  if (!quota) return 0;
  if (__sync_add_and_fetch(&written, bytes) <= atoll(quota)) return 0;
  errno = EDQUOT;
  return 1;
}

static size_t total(const struct iovec *parts, int count) {
  size_t bytes = 0;
  for (int i = 0; i < count; i++) bytes += parts[i].iov_len;
  return bytes;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int f, const void *b, size_t n) { return refused(f, n) ? -1 : REAL(write)(f, b, n); }
ssize_t pwrite(int f, const void *b, size_t n, off_t at) { return refused(f, n) ? -1 : REAL(pwrite)(f, b, n, at); }
ssize_t pwrite64(int f, const void *b, size_t n, off64_t at) { return refused(f, n) ? -1 : REAL(pwrite64)(f, b, n, at); }
ssize_t writev(int f, const struct iovec *v, int n) { return refused(f, total(v, n)) ? -1 : REAL(writev)(f, v, n); }
ssize_t pwritev(int f, const struct iovec *v, int n, off_t at) { return refused(f, total(v, n)) ? -1 : REAL(pwritev)(f, v, n, at); }
ssize_t pwritev64(int f, const struct iovec *v, int n, off64_t at) { return refused(f, total(v, n)) ? -1 : REAL(pwritev64)(f, v, n, at); }
int fsync(int f) { return refused(f, 0) ? -1 : REAL(fsync)(f); }

static double offset(void) {
  const char *path = getenv("FAULT_CLOCK");
  char text[64] = "";
  if (!path) return 0.0;
  int file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
  if (file < 0) return 0.0;
  if (syscall(SYS_read, file, text, sizeof text - 1) < 0) text[0] = 0;
  syscall(SYS_close, file);
  return atof(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
  int code = syscall(SYS_clock_gettime, clock, now);
  if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) now->tv_sec += (time_t)offset();
  return code;
}

int gettimeofday(struct timeval *now, void *zone) {
  struct timespec found;
  (void)zone;
  int code = clock_gettime(CLOCK_REALTIME, &found);
  now->tv_sec = found.tv_sec;
  now->tv_usec = found.tv_nsec / 1000;
  return code;
}

time_t time(time_t *now) {
  struct timespec found;
  clock_gettime(CLOCK_REALTIME, &found);
  if (now) *now = found.tv_sec;
  return found.tv_sec;
}
