/**
 * Every number of linux/sctp.h that sctp/kernel relies on, compared with what a C compiler makes of the header, and every
 * struct and constant of the header looked for in ours.
 */

import assert from "node:assert/strict";
import { hasCompiler } from "../../interop/build.ts";
import { type Answers, ask, declarationsIn } from "../../interop/layout.ts";
import * as constants from "../../sctp/kernel/constants.ts";
import { SCTP_LAYOUT, type StructLayout } from "../../sctp/kernel/layout.ts";
import { test } from "../support/harness.ts";

const skip = hasCompiler() ? undefined : "no C compiler: install gcc and libc6-dev";

const HEADERS = `
#include <netinet/in.h>
#include <sys/socket.h>
#include <linux/sctp.h>
`;
const HEADER = "/usr/include/linux/sctp.h";

const LAYOUT: Readonly<Record<string, StructLayout>> = SCTP_LAYOUT;
const CONSTANTS = Object.entries(constants).filter(([, value]) => typeof value === "number") as [string, number][];

/** Fields that stand deeper in C than in our table. */
const NESTED_FIELDS: Readonly<Record<string, string>> = {
  "sctp_peeloff_flags_arg_t.associd": "p_arg.associd",
  "sctp_peeloff_flags_arg_t.sd": "p_arg.sd",
};

/** Constants of ours that the header at hand may be too old for. */
const YOUNGER_THAN_THE_HEADER: Readonly<Record<string, string>> = {
  SCTP_SS_FC: "since Linux 6.4",
  SCTP_SS_WFQ: "since Linux 6.4",
};

/** Structs of the header that we do without, and why. */
const STRUCTS_NOT_USED: Readonly<Record<string, string>> = {
  sctp_event_subscribe: "SCTP_EVENT took its place (RFC 6458, section 6.2)",
  sctp_getaddrs_old: "holds a pointer; SCTP_SOCKOPT_CONNECTX takes the addresses themselves",
  sctp_peeloff_arg_t: "sctp_peeloff_flags_arg_t begins with it",
  sctp_info: "the answer of sock_diag(7), not of a socket option",
};

/** Constants of the header that we do without, and why. */
const CONSTANTS_NOT_USED: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries({
    "another name for the same number": [
      "SCTP_ADDR_PF",
      "SCTP_AUTH_NEWKEY",
      "SCTP_AUTHENTICATION_INDICATION",
      "SCTP_DELAYED_ACK",
      "SCTP_DELAYED_ACK_TIME",
      "SCTP_EXPOSE_PF_STATE",
      "SCTP_POTENTIALLY_FAILED",
      "SCTP_SS_DEFAULT",
    ],
    "the first or the last of an enumeration": [
      "SCTP_PR_SCTP_MAX",
      "SCTP_SN_TYPE_BASE",
      "SCTP_SN_TYPE_MAX",
      "SCTP_SS_MAX",
    ],
    "several flags of ours at once": [
      "SCTP_ENABLE_STRRESET_MASK",
      "SCTP_PR_SCTP_MASK",
      "SPP_HB",
      "SPP_PMTUD",
      "SPP_SACKDELAY",
    ],
    "the flags of all three notifications of RFC 6525 agree with those of SCTP_STREAM_RESET_EVENT": [
      "SCTP_ASSOC_CHANGE_DENIED",
      "SCTP_ASSOC_CHANGE_FAILED",
      "SCTP_ASSOC_RESET_DENIED",
      "SCTP_ASSOC_RESET_FAILED",
      "SCTP_STREAM_CHANGE_DENIED",
      "SCTP_STREAM_CHANGE_FAILED",
    ],
    "passed on as the number that it is": [
      "SCTP_FAILED_THRESHOLD",
      "SCTP_HEARTBEAT_SUCCESS",
      "SCTP_INTERNAL_ERROR",
      "SCTP_PEER_FAULTY",
      "SCTP_RECEIVED_SACK",
      "SCTP_RESPONSE_TO_USER_REQ",
      "SCTP_SHUTDOWN_GUARD_EXPIRES",
    ],
    "what every other number stands for": ["SCTP_UNKNOWN"],
    "a younger option took its place": [
      "SCTP_DEFAULT_SEND_PARAM",
      "SCTP_EVENTS",
      "SCTP_PEER_ADDR_THLDS",
      "SCTP_SOCKOPT_CONNECTX_OLD",
      "SCTP_SOCKOPT_PEELOFF",
    ],
    "takes a pointer; SCTP_SOCKOPT_CONNECTX takes the addresses themselves": ["SCTP_SOCKOPT_CONNECTX3"],
    "an argument of a libsctp function": ["SCTP_BINDX_ADD_ADDR", "SCTP_BINDX_REM_ADDR"],
    "the kernel's own, for security modules": ["SCTP_SENDMSG_CONNECT"],
  }).flatMap(([reason, names]) => names.map((name) => [name, reason])),
);

const type = (struct: string) => struct.endsWith("_t") ? struct : `struct ${struct}`;

/** All that our tables say, as C expressions. */
function questions(): Map<string, string> {
  const expressions = new Map(CONSTANTS.map(([name]) => [name, name]));
  for (const [struct, { fields }] of Object.entries(LAYOUT)) {
    expressions.set(`sizeof ${struct}`, `sizeof(${type(struct)})`);
    for (const field of Object.keys(fields)) {
      const key = `${struct}.${field}`;
      expressions.set(key, `offsetof(${type(struct)}, ${NESTED_FIELDS[key] ?? field})`);
    }
  }
  return expressions;
}

let answers: Answers | undefined;

function answered(): Answers {
  return answers ??= ask({ name: "layout-sctp", headers: HEADERS, expressions: questions() });
}

test("every name of ours is known to linux/sctp.h", () => {
  const unknown = [...answered().unknown].filter(([key]) => !(key in YOUNGER_THAN_THE_HEADER));

  assert.deepEqual(unknown, []);
}, { skip });

test("SCTP constants have the values of linux/sctp.h", () => {
  const { values } = answered();

  const known = CONSTANTS.filter(([name]) => values.has(name));

  assert.deepEqual(known, known.map(([name]) => [name, values.get(name)]));
  assert(known.length > 100, `only ${known.length} constants were found to compare`);
}, { skip });

test("SCTP structs have the sizes and offsets of linux/sctp.h", () => {
  const { values } = answered();

  for (const [struct, { size, fields }] of Object.entries(LAYOUT)) {
    assert.equal(size, values.get(`sizeof ${struct}`), `sizeof ${struct}`);
    const inC = Object.keys(fields).map((field) => [field, values.get(`${struct}.${field}`)]);
    assert.deepEqual(fields, Object.fromEntries(inC), struct);
  }
}, { skip });

test("no struct or field of linux/sctp.h is left out without a reason", () => {
  const { structs } = declarationsIn(HEADER);

  for (const [struct, fields] of structs) {
    if (struct in STRUCTS_NOT_USED) continue;
    assert(struct in LAYOUT, `SCTP_LAYOUT has no ${struct}`);
    const ours = Object.keys(LAYOUT[struct].fields).map((field) => NESTED_FIELDS[`${struct}.${field}`] ?? field);
    const missing = fields.filter((field) => !ours.some((name) => name === field || name.startsWith(`${field}.`)));
    assert.deepEqual(missing, [], struct);
  }
  assert(structs.size > 50, `only ${structs.size} structs were found in ${HEADER}`);
}, { skip });

test("no constant of linux/sctp.h is left out without a reason", () => {
  const names = [...declarationsIn(HEADER).constants].filter((name) => /^[A-Z]/.test(name));

  const missing = names.filter((name) => !(name in constants) && !(name in CONSTANTS_NOT_USED));

  assert.deepEqual(missing, []);
  assert(names.length > 150, `only ${names.length} constants were found in ${HEADER}`);
}, { skip });

test("what is said to be left out is left out", () => {
  assert.deepEqual(Object.keys(STRUCTS_NOT_USED).filter((struct) => struct in LAYOUT), []);
  assert.deepEqual(Object.keys(CONSTANTS_NOT_USED).filter((name) => name in constants), []);
}, { skip });
