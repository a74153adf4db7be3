// What holds for a guest kernel besides what holds for every command in the rig.

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "../support/harness.ts";
import { ensureRig } from "../support/rig/ensure_rig.ts";
import { type RigCommand, RigError, runInRig } from "../support/rig/rig.ts";

const guest = ensureRig({ hostKernel: false });
const skip = guest.kernel === "none" && guest.reason;

async function inGuest(script: string, options: Partial<RigCommand> = {}): Promise<string> {
  const { code, stdout, stderr } = await runInRig({
    command: "bash",
    args: ["-c", script],
    stdout: "piped",
    stderr: "piped",
    kernel: "guest",
    ...options,
  });
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** An SCTP socket that listens: its cookies need a hash, which is a module of its own. */
const LISTEN = `
  socket(my $listener, 2, 5, 132) or die "socket: $!";
  bind($listener, pack("S n a4 x8", 2, 5000, "\\x7f\\0\\0\\1")) or die "bind: $!";
  listen($listener, 5) or die "listen: $!";
  print "listening\\n";
`;

test("a guest's kernel has SCTP", async () => {
  const output = await inGuest(`perl -e '${LISTEN.replaceAll("'", "")}'; test -e /proc/net/sctp/eps && echo proc`);

  assert.equal(output, "listening\nproc\n");
}, { skip });

test("a guest has both loopback addresses, shared memory, terminals and room for many descriptors", async () => {
  const output = await inGuest(`
    grep -c 00000000000000000000000000000001 /proc/net/if_inet6
    ip -4 -brief address show lo | grep -o 127.0.0.1
    echo shared > /dev/shm/file && cat /dev/shm/file
    test -c /dev/pts/ptmx && test -e /dev/fd/0 && echo devices
    ulimit -n
    getent hosts localhost > /dev/null && echo localhost
  `);

  assert.deepEqual(output.split("\n"), ["1", "127.0.0.1", "shared", "devices", "65536", "localhost", ""]);
}, { skip });

test("a guest sees this machine's files, and what it writes is here when its command has ended", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-"));
  try {
    writeFileSync(join(folder, "question"), "Which salmon?");

    await inGuest(`read -r question < question; echo "$question Chinook" > answer; mv answer moved`, { cwd: folder });

    assert.equal(readFileSync(join(folder, "moved"), "utf8"), "Which salmon? Chinook\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}, { skip });

test("unix sockets work in this machine's folders", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-"));
  const exchange = `
    use IO::Socket::UNIX;
    my $listener = IO::Socket::UNIX->new(Local => "socket", Listen => 1) or die "listen: $!";
    my $client = IO::Socket::UNIX->new(Peer => "socket") or die "connect: $!";
    print $client "sockeye\n"; $client->flush;
    print scalar readline($listener->accept);
  `;
  try {
    assert.equal(await inGuest(`perl -e '${exchange}'`, { cwd: folder }), "sockeye\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}, { skip });

test("Deno's own caches change in the guest only", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-"));
  try {
    writeFileSync(join(folder, "database"), "here");

    const output = await inGuest(`echo guest > $DENO_DIR/database; touch $DENO_DIR/new; cat $DENO_DIR/database`, {
      env: { DENO_DIR: folder },
    });

    assert.equal(output, "guest\n");
    assert.equal(readFileSync(join(folder, "database"), "utf8"), "here");
    assert.equal(existsSync(join(folder, "new")), false);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, { skip });

test("a guest whose kernel fails says what its console said", async () => {
  const tooLittle = runInRig({ command: "true", kernel: "guest", memoryMiB: 8 });

  await assert.rejects(
    tooLittle,
    (error) => error instanceof RigError && /guest kernel (?:ended|did not start)/.test(error.message),
  );
}, { skip });

test("a guest that runs out of memory says so", async () => {
  const { code, stderr } = await runInRig({
    command: "perl",
    args: ["-e", "my @all; push @all, 'x' x 1_000_000 while 1"],
    kernel: "guest",
    memoryMiB: 128,
    stderr: "piped",
  });

  assert.equal(code, 137);
  assert.match(new TextDecoder().decode(stderr), /128 MiB ran out/);
}, { skip });
