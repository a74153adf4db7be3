/**
 * Subscribing to notifications; RFC 6458, section 6.2.2.
 *
 * @module
 */

import type { SctpEventName } from "../../notification.ts";
import { requireName } from "../arguments.ts";
import { writeUint16, writeUint32 } from "../bytes.ts";
import { SCTP_EVENT } from "../constants.ts";
import { SCTP_LAYOUT } from "../layout.ts";
import { EVENT_TYPES } from "../notification_codec.ts";
import { type OptionSocket, setOption } from "./socket.ts";

const NEEDS_EVENT = "Linux 5.0 or later";
const { size, fields } = SCTP_LAYOUT.sctp_event;

/**
 * SCTP_EVENT: turns a kind of notification on or off.
 *
 * @param associationId One association, or a set of them: 0 those to come, 1 those there are, 2 both.
 * @throws {ArgumentError} There is no such kind.
 */
export function subscribe(socket: OptionSocket, associationId: number, event: SctpEventName, on: boolean): void {
  const value = new Uint8Array(size);
  writeUint32(value, fields.se_assoc_id, associationId);
  writeUint16(value, fields.se_type, requireName(event, "event", EVENT_TYPES));
  value[fields.se_on] = on ? 1 : 0;
  setOption(socket, SCTP_EVENT, value, NEEDS_EVENT);
}
