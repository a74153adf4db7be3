/** The names under which C libraries are found. @module */

/** glibc's name, then musl's on x86-64 and arm64, then whatever the linker calls the C library. */
export const LIBC_PATHS: readonly string[] = [
  "libc.so.6",
  "libc.musl-x86_64.so.1",
  "libc.musl-aarch64.so.1",
  "libc.so",
];
