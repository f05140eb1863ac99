/*
 * Runs a program and deceives it about one thing (ptrace(2)); x86-64 Linux:
 *   deceive clock SECONDS PROGRAM ARGS...   its wall clock is stepped so far once it has sent a few packets
 *   deceive module PROGRAM ARGS...          raw and packet sockets are refused with EACCES, as by a security module
 * No filter of seccomp is set, so that /proc/PID/status shows none, and no library is preloaded. The stamps of packets are
 * the kernel's and stay as they are: after the step they are an hour off, whereas a real step takes later ones along.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { AT_IGNORED = 1, AT_VDSO = 33, THREADS = 4096, SENDS_BEFORE_STEP = 5 };

struct call { pid_t tid; struct user_regs_struct entry; };
static struct call calls[THREADS];

static struct call *call_of(pid_t tid) {
  struct call *call = &calls[tid % THREADS];
  if (call->tid != tid) *call = (struct call){ .tid = tid };
  return call;
}

/* Without the kernel's page of functions the C library asks by system calls. The auxiliary vector follows argv and envp. */
static void hide_vdso(pid_t tid) {
  struct user_regs_struct regs;
  if (ptrace(PTRACE_GETREGS, tid, 0, &regs) != 0) return;
  uintptr_t at = regs.rsp + 8 * (1 + ptrace(PTRACE_PEEKDATA, tid, regs.rsp, 0) + 1);
  while (ptrace(PTRACE_PEEKDATA, tid, at, 0) != 0) at += 8;
  for (at += 8;; at += 16) {
    long type = ptrace(PTRACE_PEEKDATA, tid, at, 0);
    if (type == 0) return;
    if (type == AT_VDSO) ptrace(PTRACE_POKEDATA, tid, at, AT_IGNORED);
  }
}

static int is_wall_clock(const struct user_regs_struct *entry) {
  if (entry->orig_rax == SYS_clock_gettime) return entry->rdi == 0 || entry->rdi == 5;
  return entry->orig_rax == SYS_gettimeofday;
}

static int is_privileged_socket(const struct user_regs_struct *entry) {
  if (entry->orig_rax != SYS_socket || entry->rdi == AF_NETLINK || entry->rdi == AF_UNIX) return 0;
  return entry->rdi == AF_PACKET || (entry->rsi & 0xf) == SOCK_RAW;
}

int main(int argc, char **argv) {
  int is_clock = argc > 3 && strcmp(argv[1], "clock") == 0;
  if (!is_clock && (argc < 3 || strcmp(argv[1], "module") != 0)) return 2;
  long step = is_clock ? atol(argv[2]) : 0;
  char **program = argv + (is_clock ? 3 : 2);
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    execvp(program[0], program);
    _exit(127);
  }
  int status, sends = 0;
  waitpid(child, &status, 0);
  ptrace(PTRACE_SETOPTIONS, child, 0,
         PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
             PTRACE_O_EXITKILL);
  ptrace(PTRACE_SYSCALL, child, 0, 0);
  for (;;) {
    pid_t tid = waitpid(-1, &status, __WALL);
    if (tid < 0) return errno == ECHILD ? 0 : 3;
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      if (tid != child) continue;
      if (is_clock) fprintf(stderr, "stepped after %d packets\n", sends > SENDS_BEFORE_STEP ? SENDS_BEFORE_STEP : -1);
      return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    int signal = WSTOPSIG(status), event = status >> 16, deliver = 0;
    struct call *call = call_of(tid);
    if (signal == (SIGTRAP | 0x80)) {
      struct __ptrace_syscall_info info;
      if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) < 0) {
        /* Another thread has ended the program meanwhile; the next waitpid tells of this one's end. */
        if (errno == ESRCH) continue;
        return 3;
      }
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
        ptrace(PTRACE_GETREGS, tid, 0, &call->entry);
        if (!is_clock && is_privileged_socket(&call->entry)) {
          struct user_regs_struct regs = call->entry;
          regs.orig_rax = -1;
          ptrace(PTRACE_SETREGS, tid, 0, &regs);
        }
        if (call->entry.orig_rax == SYS_sendmsg) sends += 1;
      } else if (is_clock && sends > SENDS_BEFORE_STEP && is_wall_clock(&call->entry)) {
        uintptr_t at = call->entry.orig_rax == SYS_gettimeofday ? call->entry.rdi : call->entry.rsi;
        if (at != 0) ptrace(PTRACE_POKEDATA, tid, at, ptrace(PTRACE_PEEKDATA, tid, at, 0) + step);
      } else if (!is_clock && is_privileged_socket(&call->entry)) {
        struct user_regs_struct regs;
        ptrace(PTRACE_GETREGS, tid, 0, &regs);
        regs.rax = -EACCES;
        ptrace(PTRACE_SETREGS, tid, 0, &regs);
      }
    } else if (event == PTRACE_EVENT_EXEC) {
      hide_vdso(tid);
      call->entry.orig_rax = SYS_execve;
    } else if (event == 0 && signal != SIGSTOP && signal != SIGTRAP) {
      deliver = signal;
    }
    ptrace(PTRACE_SYSCALL, tid, 0, deliver);
  }
}
