import assert from "node:assert/strict";
import process from "node:process";
import { ArgumentError, UnsupportedError } from "../../common/errors.ts";
import { architecture } from "../../ffi/runtime.ts";
import { SYSCALL_NUMBERS, type SyscallName, syscallNumber } from "../../ffi/syscall_numbers.ts";
import { test } from "../support/harness.ts";

test("the numbers are those of the kernel's headers", () => {
  // C: __NR_… of asm/unistd_64.h (x86-64) and of asm-generic/unistd.h (arm64)
  const printed: [SyscallName, number, number][] = [
    ["read", 0, 63],
    ["futex", 202, 98],
    ["gettid", 186, 178],
    ["memfd_create", 319, 279],
    ["recvmmsg", 299, 243],
    ["sendmmsg", 307, 269],
    ["sched_yield", 24, 124],
    ["io_uring_setup", 425, 425],
    ["pidfd_open", 434, 434],
  ];
  for (const [name, x64, arm64] of printed) {
    assert.equal(syscallNumber(name, "x64"), x64, name);
    assert.equal(syscallNumber(name, "arm64"), arm64, name);
  }
});

test("no two calls share a number", () => {
  const rows = Object.values(SYSCALL_NUMBERS);
  assert.equal(new Set(rows.map(([x64]) => x64)).size, rows.length);
  assert.equal(new Set(rows.map(([, arm64]) => arm64)).size, rows.length);
});

test("calls since Linux 5.1 have one number everywhere", () => {
  for (const [x64, arm64] of Object.values(SYSCALL_NUMBERS)) {
    if (x64 >= 424) assert.equal(arm64, x64);
  }
});

test("without an architecture the number is this process's, and the kernel knows it", () => {
  const libc = Deno.dlopen("libc.so.6", { syscall: { parameters: ["i64"], result: "i64" } });
  try {
    assert.equal(syscallNumber("getpid"), syscallNumber("getpid", architecture()));
    assert.equal(Number(libc.symbols.syscall(BigInt(syscallNumber("getpid")))), process.pid);
  } finally {
    libc.close();
  }
});

test("unknown names and architectures are refused", () => {
  for (const name of ["fork_bomb", "toString", "__proto__"]) {
    assert.throws(() => syscallNumber(name as SyscallName, "x64"), ArgumentError);
  }
  assert.throws(() => syscallNumber("futex", "riscv64" as never), UnsupportedError);
});
