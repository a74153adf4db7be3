/**
 * The Scalability Protocols: REQ/REP, PUB/SUB, PUSH/PULL, SURVEYOR/RESPONDENT, BUS and PAIR, wire-compatible with nng and
 * nanomsg.
 *
 * A socket has a pattern, and any number of listeners and dialers, which come back by themselves. Messages are whole or not
 * at all.
 *
 * @example Questions and answers
 * ```ts
 * import { Rep, Req } from "@sockeye/sockeye/sp";
 * import assert from "node:assert/strict";
 *
 * await using rep = new Rep();
 * await rep.listen("inproc://clock");
 * rep.serve(() => new Date().toISOString());
 *
 * await using req = new Req();
 * await req.dial("inproc://clock");
 * const time = (await req.request("time?", { timeout: 500 })).text();
 * assert(!Number.isNaN(Date.parse(time)));
 * ```
 *
 * @module
 */

import "./transport/inproc.ts";
import "./transport/ip.ts";
import "./transport/ipc.ts";
import "./transport/sctp.ts";
import "./transport/tcp.ts";
import "./transport/udp.ts";
import "./transport/unixgram.ts";

export type { WaitOptions } from "../common/wait.ts";
export { SockeyeError, type SockeyeErrorOptions } from "../common/errors.ts";
export type {
  Inet6Address,
  InetAddress,
  SocketAddress,
  UnixAbstractAddress,
  UnixAddress,
  UnixPathAddress,
  UnixUnnamedAddress,
} from "../ffi/sockaddr.ts";
export type { UnixCredentials } from "../ffi/ucred.ts";
export { type Sendable, SpMessage } from "./message.ts";
export { AnsweringSocket } from "./patterns/answering.ts";
export { Bus, type BusOptions } from "./patterns/bus.ts";
export { ReceivingContext, SpContext } from "./patterns/context.ts";
export { device, type DeviceOptions } from "./patterns/device.ts";
export { DuplexSocket } from "./patterns/duplex.ts";
export { Pair, type PairOptions } from "./patterns/pair.ts";
export { Pub, type PubOptions, Sub, type SubOptions } from "./patterns/pub.ts";
export { SubContext } from "./patterns/sub_context.ts";
export { Pull, type PullOptions, Push, type PushOptions } from "./patterns/push.ts";
export { type ReceivingNeeds, ReceivingSocket } from "./patterns/receiving.ts";
export { Rep, type RepOptions, Req, type ReqOptions } from "./patterns/req.ts";
export type { ServeHandler, ServeOptions } from "./patterns/serve.ts";
export { SendingSocket } from "./patterns/sending.ts";
export {
  type DialerHandle,
  type DialOptions,
  type ListenOptions,
  type ReceiveCalls,
  type SendCalls,
  SpSocket,
  type SyncOptions,
} from "./patterns/socket.ts";
export {
  Respondent,
  type RespondentOptions,
  type SurveyOptions,
  Surveyor,
  type SurveyorOptions,
} from "./patterns/survey.ts";
export type { BusOptions as BusPatternOptions } from "./protocol/bus.ts";
export type { HopLimitOption, RawOption, ReceiveBufferOption, SendBufferOption } from "./protocol/options.ts";
export type { PairOptions as PairPatternOptions } from "./protocol/pair.ts";
export type { Pair1Options as Pair1PatternOptions } from "./protocol/pair1.ts";
export type { PubOptions as PubPatternOptions } from "./protocol/pub.ts";
export type { PullOptions as PullPatternOptions } from "./protocol/pull.ts";
export type { PushOptions as PushPatternOptions } from "./protocol/push.ts";
export type { RawReplyOptions } from "./protocol/raw_reply.ts";
export type { RawReqOptions } from "./protocol/raw_req.ts";
export type { RawSurveyorOptions } from "./protocol/raw_surveyor.ts";
export type { ReplyOptions } from "./protocol/reply.ts";
export type { ReqContextOptions, ReqOptions as ReqPatternOptions } from "./protocol/req.ts";
export type { SubOptions as SubPatternOptions } from "./protocol/sub.ts";
export type { SurveyorContextOptions, SurveyorOptions as SurveyorPatternOptions } from "./protocol/surveyor.ts";
export type { DropStats, EngineStats, PipeStats } from "./protocol/engine.ts";
export type { EndpointFailure, Listener, PipeEvent, SocketStats } from "./socket/core.ts";
export type { SpErrorDetails } from "./socket/errors.ts";
export type { EndpointOptions, SocketOptions } from "./socket/options.ts";
export type { SpPipe, SpPipeStats } from "./pipe.ts";
