/**
 * Every number of qos that comes from a C header, compared with what a C compiler makes of that header.
 *
 * The questions are made from what the modules export: a table in capitals is a struct of that name in small letters,
 * `…_SIZE` beside it its size.
 */

import assert from "node:assert/strict";
import { hasCompiler } from "../../interop/build.ts";
import { ask } from "../../interop/layout.ts";
import * as extendedError from "../../qos/extended_error.ts";
import { ICMP6_TYPE, ICMP_TYPE } from "../../qos/icmp/types.ts";
import * as packetControl from "../../qos/packet_control.ts";
import { test } from "../support/harness.ts";

const skip = hasCompiler() ? undefined : "no C compiler: install gcc and libc6-dev";

const HEADERS = `
#include <time.h>
#include <netinet/in.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <linux/errqueue.h>
`;

/** The names that C has for the ICMP types; glibc knows no extended echo. */
const ICMP_MACROS: Readonly<Record<string, number>> = {
  ICMP_ECHOREPLY: ICMP_TYPE.ECHO_REPLY,
  ICMP_DEST_UNREACH: ICMP_TYPE.DESTINATION_UNREACHABLE,
  ICMP_SOURCE_QUENCH: ICMP_TYPE.SOURCE_QUENCH,
  ICMP_REDIRECT: ICMP_TYPE.REDIRECT,
  ICMP_ECHO: ICMP_TYPE.ECHO_REQUEST,
  ICMP_ROUTERADVERT: ICMP_TYPE.ROUTER_ADVERTISEMENT,
  ICMP_ROUTERSOLICIT: ICMP_TYPE.ROUTER_SOLICITATION,
  ICMP_TIME_EXCEEDED: ICMP_TYPE.TIME_EXCEEDED,
  ICMP_PARAMETERPROB: ICMP_TYPE.PARAMETER_PROBLEM,
  ICMP_TIMESTAMP: ICMP_TYPE.TIMESTAMP_REQUEST,
  ICMP_TIMESTAMPREPLY: ICMP_TYPE.TIMESTAMP_REPLY,
  ICMP6_DST_UNREACH: ICMP6_TYPE.DESTINATION_UNREACHABLE,
  ICMP6_PACKET_TOO_BIG: ICMP6_TYPE.PACKET_TOO_BIG,
  ICMP6_TIME_EXCEEDED: ICMP6_TYPE.TIME_EXCEEDED,
  ICMP6_PARAM_PROB: ICMP6_TYPE.PARAMETER_PROBLEM,
  ICMP6_ECHO_REQUEST: ICMP6_TYPE.ECHO_REQUEST,
  ICMP6_ECHO_REPLY: ICMP6_TYPE.ECHO_REPLY,
  MLD_LISTENER_QUERY: ICMP6_TYPE.MULTICAST_LISTENER_QUERY,
  MLD_LISTENER_REPORT: ICMP6_TYPE.MULTICAST_LISTENER_REPORT,
  MLD_LISTENER_REDUCTION: ICMP6_TYPE.MULTICAST_LISTENER_DONE,
  ND_ROUTER_SOLICIT: ICMP6_TYPE.ROUTER_SOLICITATION,
  ND_ROUTER_ADVERT: ICMP6_TYPE.ROUTER_ADVERTISEMENT,
  ND_NEIGHBOR_SOLICIT: ICMP6_TYPE.NEIGHBOR_SOLICITATION,
  ND_NEIGHBOR_ADVERT: ICMP6_TYPE.NEIGHBOR_ADVERTISEMENT,
  ND_REDIRECT: ICMP6_TYPE.REDIRECT,
};

function structClaims(): Map<string, { expression: string; value: number }> {
  const claims = new Map<string, { expression: string; value: number }>();
  for (const [name, exported] of Object.entries({ ...extendedError, ...packetControl })) {
    if (!/^(?:IN6?_PKTINFO|SOCK_\w+)$/.test(name)) continue;
    const struct = `struct ${name.replace(/_SIZE$/, "").toLowerCase()}`;
    if (typeof exported === "number") claims.set(name, { expression: `sizeof(${struct})`, value: exported });
    if (typeof exported !== "object") continue;
    for (const [field, value] of Object.entries(exported as unknown as Record<string, number>)) {
      claims.set(`${name}.${field}`, { expression: `offsetof(${struct}, ${field})`, value });
    }
  }
  return claims;
}

test("structs and ICMP types have the layout and the values that C gives them", () => {
  const claims = structClaims();
  for (const [name, value] of Object.entries(ICMP_MACROS)) claims.set(name, { expression: name, value });
  const { values, unknown } = ask({
    name: "layout-qos",
    headers: HEADERS,
    expressions: new Map([...claims].map(([key, { expression }]) => [key, expression])),
  });

  assert.deepEqual([...unknown], []);
  assert.deepEqual(Object.fromEntries(values), Object.fromEntries([...claims].map(([key, { value }]) => [key, value])));
  assert(claims.size >= 18 + Object.keys(ICMP_MACROS).length, `only ${claims.size} numbers were found to compare`);
}, { skip });
