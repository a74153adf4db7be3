/*
 * The first process of the guest kernel.
 *
 * It makes the guest habitable (file systems, loopback, modules, limits), runs one command, and speaks with the program
 * that started the guest over one raw serial line: the job, standard input and signals come in; standard output,
 * standard error and the exit status go out. Both directions carry frames: one byte of type, a 32-bit little-endian
 * length, and that many bytes. frames.ts is the other end.
 *
 * When the line hangs up, the program that started the guest is gone, and the guest powers off.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define LINE "/dev/ttyS0"
#define GREETING "\nsockeye-rig 1\n"
#define HEADER 5
#define CHUNK 16384
/* frames.ts never has more than this much of job and standard input under way: see there. */
#define WINDOW 2048
#define JOB_LIMIT (4 << 20)
#define OPEN_FILES 65536
#define SOCKET_BUFFER_LIMIT "67108864"

enum { JOB = 'J', RUN = 'R', INPUT = 'I', INPUT_END = 'Z', SIGNAL = 'S', OUTPUT = 'O', ERRORS = 'E', TAKEN = 'A', EXITED = 'X' };

static int line = -1;

static void power_off(void) {
  sync();
  reboot(RB_POWER_OFF);
  for (;;) pause();
}

/* Goes to the kernel's console, which is shown when a guest fails to start. */
static void complain(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vdprintf(STDERR_FILENO, format, arguments);
  va_end(arguments);
  dprintf(STDERR_FILENO, "\n");
}

static void write_all(int fd, const void *bytes, size_t length) {
  const char *rest = bytes;
  while (length > 0) {
    ssize_t written = write(fd, rest, length);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) power_off();
    rest += written;
    length -= (size_t)written;
  }
}

/* Waits until `length` bytes have come; powers off when the line hangs up. */
static void read_line(void *bytes, size_t length) {
  char *rest = bytes;
  while (length > 0) {
    ssize_t count = read(line, rest, length);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) power_off();
    rest += count;
    length -= (size_t)count;
  }
}

static void send_frame(char type, const void *bytes, uint32_t length) {
  char header[HEADER] = { type, (char)length, (char)(length >> 8), (char)(length >> 16), (char)(length >> 24) };
  write_all(line, header, HEADER);
  write_all(line, bytes, length);
}

static void tell_taken(uint32_t count) { send_frame(TAKEN, &count, sizeof count); }

static char read_header(uint32_t *length) {
  unsigned char header[HEADER];
  read_line(header, HEADER);
  *length = header[1] | header[2] << 8 | header[3] << 16 | (uint32_t)header[4] << 24;
  return (char)header[0];
}

static void mount_or_complain(const char *type, const char *target, const char *options) {
  mkdir(target, 0755);
  if (mount(type, target, type, 0, options) != 0) complain("rig: mount %s on %s: %s", type, target, strerror(errno));
}

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) complain("rig: write %s: %s", path, strerror(errno));
  if (fd >= 0) close(fd);
}

static void run_and_wait(char *const arguments[]) {
  pid_t child = fork();
  if (child == 0) {
    execv(arguments[0], arguments);
    complain("rig: %s: %s", arguments[0], strerror(errno));
    _exit(127);
  }
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {}
}

/*
 * The host may have no /lib/modules to mount on, and modprobe looks nowhere else unless told. The kernel, too, must find
 * modules that it wants by itself, such as the hash that an SCTP cookie is signed with.
 */
static void load_modules(void) {
  mkdir("/run/rig/root", 0755);
  mkdir("/run/rig/root/lib", 0755);
  if (symlink("/usr/lib/uml/modules", "/run/rig/root/lib/modules") != 0) complain("rig: symlink: %s", strerror(errno));
  write_file("/run/rig/modprobe", "#!/bin/sh\nexec /sbin/modprobe -d /run/rig/root \"$@\"\n");
  write_file("/proc/sys/kernel/modprobe", "/run/rig/modprobe");
  char *modules[] = { "/sbin/modprobe", "-d", "/run/rig/root", "-a", "sctp", "hmac", "veth", "sch_netem", "sctp_diag", NULL };
  run_and_wait(modules);
}

static void raise_loopback(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0) complain("rig: lo: %s", strerror(errno));
  if (fd >= 0) close(fd);
}

static void set_limits(void) {
  struct rlimit files = { OPEN_FILES, OPEN_FILES };
  struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
  setrlimit(RLIMIT_NOFILE, &files);
  setrlimit(RLIMIT_MEMLOCK, &unlimited);
  write_file("/proc/sys/net/core/rmem_max", SOCKET_BUFFER_LIMIT);
  write_file("/proc/sys/net/core/wmem_max", SOCKET_BUFFER_LIMIT);
}

static void make_habitable(void) {
  mount_or_complain("proc", "/proc", NULL);
  mount_or_complain("sysfs", "/sys", NULL);
  mount_or_complain("tmpfs", "/run", "mode=755");
  mount_or_complain("devpts", "/dev/pts", "ptmxmode=666");
  mount_or_complain("tmpfs", "/dev/shm", "mode=1777");
  mkdir("/run/lock", 01777);
  mkdir("/run/rig", 0755);
  /* The usual names, which devtmpfs doesn't make. */
  if (symlink("/proc/self/fd", "/dev/fd") != 0 || symlink("/proc/self/fd/0", "/dev/stdin") != 0 ||
      symlink("/proc/self/fd/1", "/dev/stdout") != 0 || symlink("/proc/self/fd/2", "/dev/stderr") != 0)
    complain("rig: symlink in /dev: %s", strerror(errno));
  load_modules();
  raise_loopback();
  set_limits();
}

static void open_line(void) {
  line = open(LINE, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (line < 0) {
    complain("rig: %s: %s", LINE, strerror(errno));
    power_off();
  }
  struct termios settings;
  tcgetattr(line, &settings);
  cfmakeraw(&settings);
  settings.c_cflag |= CLOCAL | CREAD;
  tcsetattr(line, TCSANOW, &settings);
}

/* What frames.ts packs: every string ends in NUL. */
struct job {
  char *cwd, *host_name, *private_directory;
  char **arguments, **environment;
};

static char *next_string(char **rest, char *end) {
  char *string = *rest;
  char *nul = memchr(string, 0, (size_t)(end - string));
  if (nul == NULL) {
    complain("rig: malformed job");
    power_off();
  }
  *rest = nul + 1;
  return string;
}

static char **next_list(char **rest, char *end) {
  size_t count = strtoul(next_string(rest, end), NULL, 10);
  if (count > JOB_LIMIT) power_off();
  char **list = calloc(count + 1, sizeof *list);
  for (size_t i = 0; i < count; i++) list[i] = next_string(rest, end);
  return list;
}

static struct job read_job(void) {
  char *text = NULL;
  size_t size = 0;
  uint32_t length;
  char type;
  while ((type = read_header(&length)) == JOB && length <= WINDOW && size < JOB_LIMIT) {
    text = realloc(text, size + length);
    read_line(text + size, length);
    size += length;
    tell_taken(HEADER + length);
  }
  if (type != RUN || length != 0) {
    complain("rig: malformed job");
    power_off();
  }
  char *rest = text, *end = text + size;
  struct job job;
  job.cwd = next_string(&rest, end);
  job.host_name = next_string(&rest, end);
  job.private_directory = next_string(&rest, end);
  job.arguments = next_list(&rest, end);
  job.environment = next_list(&rest, end);
  return job;
}

/*
 * A directory that the command may write to without the host seeing it. Locks on files of the host hold within one
 * kernel only, so that a database that host and guest both write to would break.
 */
static void make_private(const char *directory) {
  if (directory[0] == 0) return;
  mkdir("/run/rig/upper", 0755);
  mkdir("/run/rig/work", 0755);
  char *options;
  if (asprintf(&options, "lowerdir=%s,upperdir=/run/rig/upper,workdir=/run/rig/work", directory) < 0) return;
  if (mount("overlay", directory, "overlay", 0, options) != 0)
    complain("rig: overlay on %s: %s", directory, strerror(errno));
  free(options);
}

struct streams { int input, output, errors; };

static void exec_command(const struct job *job, int input, int output, int errors) {
  setsid();
  signal(SIGPIPE, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  if (chdir(job->cwd) != 0) {
    dprintf(STDERR_FILENO, "rig: cannot enter %s: %s\n", job->cwd, strerror(errno));
    _exit(126);
  }
  execvpe(job->arguments[0], job->arguments, job->environment);
  int reason = errno;
  dprintf(STDERR_FILENO, "rig: cannot run %s: %s\n", job->arguments[0], strerror(reason));
  _exit(reason == ENOENT ? 127 : 126);
}

static pid_t start(const struct job *job, struct streams *streams) {
  int input[2], output[2], errors[2];
  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0 || pipe2(errors, O_CLOEXEC) != 0) {
    complain("rig: pipe: %s", strerror(errno));
    power_off();
  }
  pid_t command = fork();
  if (command == 0) exec_command(job, input[0], output[1], errors[1]);
  if (command < 0) {
    complain("rig: fork: %s", strerror(errno));
    power_off();
  }
  close(input[0]);
  close(output[1]);
  close(errors[1]);
  fcntl(input[1], F_SETFL, O_NONBLOCK);
  *streams = (struct streams){ input[1], output[0], errors[0] };
  return command;
}

static char pending_input[WINDOW];
static size_t pending_length = 0;
static int input_ended = 0;

static void close_input(struct streams *streams) {
  if (streams->input >= 0) close(streams->input);
  streams->input = -1;
}

/* Hands on what standard input the command takes now, and tells the other end that as much more may come. */
static void feed_input(struct streams *streams) {
  if (streams->input >= 0 && pending_length > 0) {
    ssize_t taken = write(streams->input, pending_input, pending_length);
    if (taken < 0 && errno != EAGAIN && errno != EINTR) close_input(streams);
    if (taken > 0) {
      pending_length -= (size_t)taken;
      memmove(pending_input, pending_input + taken, pending_length);
      tell_taken((uint32_t)taken);
    }
  }
  if (input_ended && pending_length == 0) close_input(streams);
}

static void take_frame(pid_t command, struct streams *streams) {
  uint32_t length;
  char type = read_header(&length);
  if (type == INPUT && length <= WINDOW - pending_length) {
    read_line(pending_input + pending_length, length);
    if (streams->input >= 0) pending_length += length;
    tell_taken(HEADER);
  } else if (type == INPUT_END && length == 0) {
    input_ended = 1;
  } else if (type == SIGNAL && length == 1) {
    unsigned char number;
    read_line(&number, 1);
    kill(-command, number);
  } else {
    complain("rig: malformed frame %d of %u bytes", type, length);
    power_off();
  }
  feed_input(streams);
}

/* Returns 0 at the end of the stream. */
static int pass_on(int fd, char type) {
  static char chunk[CHUNK];
  ssize_t count = read(fd, chunk, sizeof chunk);
  if (count < 0 && errno == EINTR) return 1;
  if (count <= 0) return 0;
  send_frame(type, chunk, (uint32_t)count);
  return 1;
}

static volatile sig_atomic_t child_changed = 0;
static void note_child(int number) { (void)number; child_changed = 1; }

/* True once the command itself has ended; reaps whatever else has. */
static int reap(pid_t command, int *status) {
  int ended = 0, each;
  for (pid_t pid; (pid = waitpid(-1, &each, WNOHANG)) > 0;) {
    if (pid != command) continue;
    *status = each;
    ended = 1;
  }
  return ended;
}

static int serve(pid_t command, struct streams *streams) {
  sigset_t while_waiting;
  sigemptyset(&while_waiting);
  int status = 0, running = 1;
  while (running || streams->output >= 0 || streams->errors >= 0) {
    struct pollfd watched[] = {
      { running ? line : -1, POLLIN, 0 },
      { streams->output, POLLIN, 0 },
      { streams->errors, POLLIN, 0 },
      { streams->input, pending_length > 0 ? POLLOUT : 0, 0 },
    };
    int ready = ppoll(watched, 4, NULL, &while_waiting);
    if (child_changed) {
      child_changed = 0;
      if (reap(command, &status)) {
        /* Nothing may outlive the command, and nothing then holds its streams open. */
        running = 0;
        kill(-1, SIGKILL);
        close_input(streams);
      }
      continue;
    }
    if (ready <= 0) continue;
    if (watched[0].revents) take_frame(command, streams);
    if (watched[1].revents && !pass_on(streams->output, OUTPUT)) {
      close(streams->output);
      streams->output = -1;
    }
    if (watched[2].revents && !pass_on(streams->errors, ERRORS)) {
      close(streams->errors);
      streams->errors = -1;
    }
    if (watched[3].revents & POLLERR) close_input(streams);
    else if (watched[3].revents & POLLOUT) feed_input(streams);
  }
  return status;
}

int main(void) {
  umask(022);
  make_habitable();
  open_line();
  write_all(line, GREETING, sizeof GREETING - 1);
  struct job job = read_job();
  sethostname(job.host_name, strlen(job.host_name));
  make_private(job.private_directory);

  signal(SIGPIPE, SIG_IGN);
  struct sigaction on_child = { .sa_handler = note_child };
  sigaction(SIGCHLD, &on_child, NULL);
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);

  struct streams streams;
  pid_t command = start(&job, &streams);
  int status = serve(command, &streams);

  /*
   * Everything written to the host's files is there before anybody learns that the command has ended; what was written
   * through a shared mapping, once the mapping is gone.
   */
  while (waitpid(-1, NULL, 0) > 0 || errno == EINTR) {}
  sync();
  unsigned char code = WIFSIGNALED(status) ? (unsigned char)(128 + WTERMSIG(status)) : (unsigned char)WEXITSTATUS(status);
  send_frame(EXITED, &code, 1);
  tcdrain(line);
  power_off();
}
