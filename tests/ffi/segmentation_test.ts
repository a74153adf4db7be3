import assert from "node:assert/strict";
import fc from "fast-check";
import {
  controlMessages,
  encodeControlMessages,
  ERRNO,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_UDP,
  UDP_GRO,
  UDP_SEGMENT,
} from "@sockeye/sockeye/ffi";
import {
  coalescedSize,
  SEGMENT_CONTROL_BYTES,
  Segmentation,
  withoutCoalescedSize,
  writeSegmentControl,
} from "../../ffi/segmentation.ts";
import { test } from "../support/harness.ts";

const int32 = (value: number) => new Uint8Array(Int32Array.of(value).buffer);
const ttl = { level: IPPROTO_IP, type: IP_TTL, data: int32(64) };
const tos = { level: IPPROTO_IP, type: IP_TOS, data: Uint8Array.of(0xb8) };
const gro = (size: number) => ({ level: IPPROTO_UDP, type: UDP_GRO, data: int32(size) });

test("the size of segments is one control message of 16 bits, behind those that are there", () => {
  const target = new Uint8Array(24 + SEGMENT_CONTROL_BYTES);
  target.set(encodeControlMessages([ttl]));

  writeSegmentControl(target, 24, 1472);

  assert.deepEqual([...controlMessages(target)], [ttl, {
    level: IPPROTO_UDP,
    type: UDP_SEGMENT,
    data: Uint8Array.of(0xc0, 5),
  }]);
});

test("the size of coalesced datagrams is found, and taken out, wherever it stands", () => {
  for (const messages of [[gro(1200)], [gro(1200), ttl, tos], [ttl, gro(1200), tos], [ttl, tos, gro(1200)]]) {
    const control = encodeControlMessages(messages);

    assert.equal(coalescedSize(control), 1200);
    const rest = messages.filter(({ level }) => level !== IPPROTO_UDP);
    assert.deepEqual(withoutCoalescedSize(control), encodeControlMessages(rest));
  }
  assert.equal(coalescedSize(encodeControlMessages([ttl, tos])), 0);
});

test("arbitrary bytes are no size below zero, and lose no more than one control message", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 96 }), (control) => {
    assert(coalescedSize(control) >= 0);
    assert(withoutCoalescedSize(control).length <= control.length);
  }));
});

test("a refusal lowers what is tried, and one at a size that every path takes ends it", () => {
  const segmentation = new Segmentation();

  assert(segmentation.refused(ERRNO.EMSGSIZE, 1500));
  assert.equal(segmentation.largest, 1499);
  assert(segmentation.refused(ERRNO.EINVAL, 1400));
  assert.equal(segmentation.largest, 1399);
  assert(segmentation.refused(ERRNO.EINVAL, 100));
  assert.equal(segmentation.largest, 0);
});

test("a path through IPsec ends it at once, and other errors are no refusal", () => {
  const segmentation = new Segmentation();

  for (const errno of [ERRNO.ECONNREFUSED, ERRNO.EPERM, ERRNO.ENOBUFS]) assert(!segmentation.refused(errno, 1500));
  assert(segmentation.largest > 1500);
  assert(segmentation.refused(ERRNO.EIO, 1500));
  assert.equal(segmentation.largest, 0);
});

test("what the kernel refuses of a single message as well is no refusal of segments", () => {
  const segmentation = new Segmentation();
  const { largest } = segmentation;

  segmentation.refused(ERRNO.EINVAL, 100);
  segmentation.refusedAlone(ERRNO.EINVAL);
  assert.equal(segmentation.largest, largest);

  segmentation.refused(ERRNO.EINVAL, 1500);
  segmentation.refusedAlone(ERRNO.ECONNREFUSED);
  segmentation.refusedAlone(ERRNO.EINVAL);
  assert.equal(segmentation.largest, 1499);
});
