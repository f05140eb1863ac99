/*
 * What Debian's libstdc++ and libgcc_s ask of glibc's loader and musl has not. Built as ld-linux-x86-64.so.2, which they
 * name as needed, it lets them run under musl, since Debian packages no libstdc++ of musl's own. For tests only.
 */
typedef __SIZE_TYPE__ size_t;

char __libc_single_threaded = 0;
struct { unsigned vendor, type, subtype, features[1]; } __cpu_model;

extern long syscall(long number, ...);
extern size_t strftime_l(char *into, size_t size, const char *format, const void *time, void *locale);

int __cpu_indicator_init(void) { return 0; }

/* -1: not found, so that the older way is taken. */
int _dl_find_object(void *address, void *result) { (void)address; (void)result; return -1; }

unsigned arc4random(void) {
  unsigned value = 0;
  syscall(318 /* getrandom */, &value, sizeof value, 0);
  return value;
}

size_t __strftime_l(char *into, size_t size, const char *format, const void *time, void *locale) {
  return strftime_l(into, size, format, time, locale);
}

/* Destructors of threads' own objects are not called: the process ends without them. */
int __cxa_thread_atexit_impl(void (*destructor)(void *), void *object, void *handle) {
  (void)destructor; (void)object; (void)handle;
  return 0;
}
