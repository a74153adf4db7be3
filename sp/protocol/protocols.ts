/**
 * The twelve patterns by number and name, as in sp-protocol-ids-01 and nng's headers.
 *
 * A number is a pattern (its upper 12 bits) and a role in it (the lower 4): whoever connects checks that the peer has the
 * other role of the same pattern.
 *
 * @module
 */

import type { ProtocolInfo } from "./engine.ts";

function protocolInfo(name: string, protocol: number, peerName: string, peer: number): ProtocolInfo {
  return Object.freeze({ name, protocol, peer, peerName });
}

/** PAIR, version 0. */
export const PAIR0: ProtocolInfo = protocolInfo("pair", 16, "pair", 16);
/** PAIR, version 1; sp-pair-v1. */
export const PAIR1: ProtocolInfo = protocolInfo("pair1", 17, "pair1", 17);
/** The side of PUB/SUB that sends. */
export const PUB: ProtocolInfo = protocolInfo("pub", 32, "sub", 33);
/** The side of PUB/SUB that receives. */
export const SUB: ProtocolInfo = protocolInfo("sub", 33, "pub", 32);
/** The side of REQ/REP that asks; sp-request-reply-01. */
export const REQ: ProtocolInfo = protocolInfo("req", 48, "rep", 49);
/** The side of REQ/REP that answers. */
export const REP: ProtocolInfo = protocolInfo("rep", 49, "req", 48);
/** The side of PUSH/PULL that sends. */
export const PUSH: ProtocolInfo = protocolInfo("push", 80, "pull", 81);
/** The side of PUSH/PULL that receives. */
export const PULL: ProtocolInfo = protocolInfo("pull", 81, "push", 80);
/** The side of a survey that asks; sp-surveyor-01. */
export const SURVEYOR: ProtocolInfo = protocolInfo("surveyor", 98, "respondent", 99);
/** The side of a survey that answers. */
export const RESPONDENT: ProtocolInfo = protocolInfo("respondent", 99, "surveyor", 98);
/** BUS, which has one role. */
export const BUS: ProtocolInfo = protocolInfo("bus", 112, "bus", 112);
