/*
 * Preloaded into linux.uml, between it and the host's ptrace(2).
 *
 * 1. user-mode-linux 6.1 hands PTRACE_SETREGSET an extended register area of the size that it was built for, and panics
 *    when that fails. Hosts want the size of the machine's own area, which is larger where the processor has AMX (11008
 *    bytes). What the guest can't know of is in its initial state: the header's feature mask (XSTATE_BV, Intel SDM volume
 *    1, 13.4.2) says so, and the bytes that are added are ignored.
 * 2. The guest's processes are traced children of linux.uml. PTRACE_O_EXITKILL makes them end with it, however it ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/elf.h>
#include <linux/ptrace.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static char area[65536] __attribute__((aligned(64)));
static size_t area_length = 0;

static long raw_ptrace(long request, long pid, long address, long data) {
  return syscall(SYS_ptrace, request, pid, address, data);
}

static long set_extended_state(long pid, const struct iovec *given) {
  if (area_length == 0) {
    struct iovec whole = { area, sizeof area };
    if (raw_ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, (long)&whole) != 0) return -1;
    area_length = whole.iov_len;
    memset(area, 0, sizeof area);
  }
  if (given->iov_len >= area_length) return raw_ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (long)given);
  memcpy(area, given->iov_base, given->iov_len);
  struct iovec padded = { area, area_length };
  return raw_ptrace(PTRACE_SETREGSET, pid, NT_X86_XSTATE, (long)&padded);
}

long ptrace(int request, ...) {
  va_list arguments;
  va_start(arguments, request);
  long pid = va_arg(arguments, int), address = va_arg(arguments, long), data = va_arg(arguments, long);
  va_end(arguments);

  switch (request) {
    case PTRACE_SETREGSET:
      if (address == NT_X86_XSTATE) return set_extended_state(pid, (const struct iovec *)data);
      break;
    case PTRACE_SETOPTIONS:
    case PTRACE_OLDSETOPTIONS:
      if (raw_ptrace(PTRACE_SETOPTIONS, pid, address, data | PTRACE_O_EXITKILL) == 0) return 0;
      break;
    /* The system call stores the word that the library function returns. */
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
    case PTRACE_PEEKUSR: {
      long word = 0;
      if (raw_ptrace(request, pid, address, (long)&word) != 0) return -1;
      errno = 0;
      return word;
    }
  }
  return raw_ptrace(request, pid, address, data);
}
