/** The patterns by the names that nngcat has for them. @module */

import {
  Bus,
  Pair,
  Pub,
  Pull,
  Push,
  Rep,
  Req,
  Respondent,
  type SocketOptions,
  type SpSocket,
  Sub,
  Surveyor,
} from "@sockeye/sockeye/sp";

/** A pattern. */
export type PatternName =
  | "req"
  | "rep"
  | "pub"
  | "sub"
  | "push"
  | "pull"
  | "surveyor"
  | "respondent"
  | "bus"
  | "pair0"
  | "pair1";

/** What makes a socket of each. */
export const PATTERNS: Readonly<Record<PatternName, (options: SocketOptions) => SpSocket>> = {
  req: (options) => new Req(options),
  rep: (options) => new Rep(options),
  pub: (options) => new Pub(options),
  sub: (options) => new Sub(options),
  push: (options) => new Push(options),
  pull: (options) => new Pull(options),
  surveyor: (options) => new Surveyor(options),
  respondent: (options) => new Respondent(options),
  bus: (options) => new Bus(options),
  pair0: (options) => new Pair({ ...options, version: 0 }),
  pair1: (options) => new Pair({ ...options, version: 1 }),
};
