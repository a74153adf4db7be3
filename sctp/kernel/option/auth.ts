/**
 * Options of chunk authentication; RFC 6458, section 8.3, and RFC 4895.
 *
 * Where a function takes an `associationId`, 0 is the socket's default for associations to come (SCTP_FUTURE_ASSOC), and the
 * only association there is on a one-to-one socket.
 *
 * @module
 */

import { ArgumentError, UnsupportedError } from "../../../common/errors.ts";
import type { SctpAuthHmac, SctpAuthKey } from "../../options.ts";
import { requireInteger, requireName, requireUint16 } from "../arguments.ts";
import { readUint16, readUint32, writeUint16, writeUint32 } from "../bytes.ts";
import {
  SCTP_AUTH_ACTIVE_KEY,
  SCTP_AUTH_CHUNK,
  SCTP_AUTH_DEACTIVATE_KEY,
  SCTP_AUTH_DELETE_KEY,
  SCTP_AUTH_HMAC_ID_SHA1,
  SCTP_AUTH_HMAC_ID_SHA256,
  SCTP_AUTH_KEY,
  SCTP_HMAC_IDENT,
  SCTP_LOCAL_AUTH_CHUNKS,
  SCTP_PEER_AUTH_CHUNKS,
} from "../constants.ts";
import { SCTP_LAYOUT } from "../layout.ts";
import { getOption, hasCode, type OptionSocket, setOption } from "./socket.ts";

const HMAC_IDS: Readonly<Record<SctpAuthHmac, number>> = {
  sha1: SCTP_AUTH_HMAC_ID_SHA1,
  sha256: SCTP_AUTH_HMAC_ID_SHA256,
};

/** RFC 4895, section 3.2: INIT, INIT ACK, SHUTDOWN COMPLETE and AUTH can't be asked to be authenticated. */
const CHUNKS_NEVER_AUTHENTICATED: readonly number[] = [1, 2, 14, 15];
/** There are no more chunk types, so no list of them is longer. */
const MOST_CHUNK_TYPES = 256;

/** SCTP_AUTH_CHUNK: the peer of associations to come has to authenticate chunks of this type. */
export function addAuthChunk(socket: OptionSocket, chunkType: number): void {
  requireInteger(chunkType, "auth.chunks", 0, 255);
  if (CHUNKS_NEVER_AUTHENTICATED.includes(chunkType)) {
    throw new ArgumentError(
      "auth.chunks",
      `must not have INIT (1), INIT ACK (2), SHUTDOWN COMPLETE (14) or AUTH (15), but has ${chunkType}`,
    );
  }
  setAuthOption(socket, SCTP_AUTH_CHUNK, Uint8Array.of(chunkType));
}

/** SCTP_HMAC_IDENT: the hash functions that we accept, best first. */
export function getHmacs(socket: OptionSocket): SctpAuthHmac[] {
  const { size, fields } = SCTP_LAYOUT.sctp_hmacalgo;
  const value = new Uint8Array(size + 2 * 16);
  const length = getAuthOption(socket, SCTP_HMAC_IDENT, value);
  const hmacs: SctpAuthHmac[] = [];
  for (let at = fields.shmac_idents; at + 2 <= length; at += 2) {
    const id = readUint16(value, at);
    if (id === SCTP_AUTH_HMAC_ID_SHA1) hmacs.push("sha1");
    else if (id === SCTP_AUTH_HMAC_ID_SHA256) hmacs.push("sha256");
  }
  return hmacs;
}

/** SCTP_HMAC_IDENT, for associations to come. @throws {ArgumentError} `"sha1"` is missing, or a name is unknown. */
export function setHmacs(socket: OptionSocket, hmacs: readonly SctpAuthHmac[]): void {
  const { size, fields } = SCTP_LAYOUT.sctp_hmacalgo;
  const ids = hmacs.map((name, index) => requireName(name, `auth.hmacs[${index}]`, HMAC_IDS));
  if (!ids.includes(SCTP_AUTH_HMAC_ID_SHA1)) {
    throw new ArgumentError(
      "auth.hmacs",
      `must have "sha1", which every implementation supports (RFC 4895, section 6.1)`,
    );
  }
  const value = new Uint8Array(size + 2 * ids.length);
  writeUint32(value, fields.shmac_num_idents, ids.length);
  ids.forEach((id, index) => writeUint16(value, fields.shmac_idents + 2 * index, id));
  setAuthOption(socket, SCTP_HMAC_IDENT, value);
}

/** SCTP_AUTH_KEY: adds a shared key, or replaces it. @throws {ArgumentError} Its number or its length is out of range. */
export function setAuthKey(socket: OptionSocket, associationId: number, given: SctpAuthKey): void {
  const { size, fields } = SCTP_LAYOUT.sctp_authkey;
  const keyId = requireUint16(given.keyId, "keyId");
  const length = requireUint16(given.key.length, "key.length");
  const value = new Uint8Array(size + length);
  writeUint32(value, fields.sca_assoc_id, associationId);
  writeUint16(value, fields.sca_keynumber, keyId);
  writeUint16(value, fields.sca_keylength, length);
  value.set(given.key, fields.sca_key);
  setAuthOption(socket, SCTP_AUTH_KEY, value);
}

/** SCTP_AUTH_ACTIVE_KEY: the key that authenticates what we send. */
export function getActiveKey(socket: OptionSocket, associationId: number): number {
  const { fields } = SCTP_LAYOUT.sctp_authkeyid;
  const value = encodeKeyId(associationId, 0);
  getAuthOption(socket, SCTP_AUTH_ACTIVE_KEY, value);
  return readUint16(value, fields.scact_keynumber);
}

/** SCTP_AUTH_ACTIVE_KEY. @throws {ArgumentError} The number is out of range. */
export function setActiveKey(socket: OptionSocket, associationId: number, keyId: number): void {
  setAuthOption(socket, SCTP_AUTH_ACTIVE_KEY, encodeKeyId(associationId, requireUint16(keyId, "keyId")));
}

/** SCTP_AUTH_DEACTIVATE_KEY: the key is used no more, and a notification tells when it is free to be deleted. */
export function deactivateKey(socket: OptionSocket, associationId: number, keyId: number): void {
  setAuthOption(socket, SCTP_AUTH_DEACTIVATE_KEY, encodeKeyId(associationId, requireUint16(keyId, "keyId")));
}

/** SCTP_AUTH_DELETE_KEY; the key must be neither active nor in use. */
export function deleteKey(socket: OptionSocket, associationId: number, keyId: number): void {
  setAuthOption(socket, SCTP_AUTH_DELETE_KEY, encodeKeyId(associationId, requireUint16(keyId, "keyId")));
}

/** SCTP_LOCAL_AUTH_CHUNKS: the chunk types that the peer has to authenticate. */
export function getLocalAuthChunks(socket: OptionSocket, associationId: number): number[] {
  return getAuthChunks(socket, SCTP_LOCAL_AUTH_CHUNKS, associationId);
}

/** SCTP_PEER_AUTH_CHUNKS: the chunk types that we have to authenticate. */
export function getPeerAuthChunks(socket: OptionSocket, associationId: number): number[] {
  return getAuthChunks(socket, SCTP_PEER_AUTH_CHUNKS, associationId);
}

function getAuthChunks(socket: OptionSocket, name: number, associationId: number): number[] {
  const { size, fields } = SCTP_LAYOUT.sctp_authchunks;
  const value = new Uint8Array(size + MOST_CHUNK_TYPES);
  writeUint32(value, fields.gauth_assoc_id, associationId);
  getAuthOption(socket, name, value);
  const count = Math.min(readUint32(value, fields.gauth_number_of_chunks), MOST_CHUNK_TYPES);
  return [...value.subarray(fields.gauth_chunks, fields.gauth_chunks + count)];
}

function encodeKeyId(associationId: number, keyId: number): Uint8Array {
  const { size, fields } = SCTP_LAYOUT.sctp_authkeyid;
  const value = new Uint8Array(size);
  writeUint32(value, fields.scact_assoc_id, associationId);
  writeUint16(value, fields.scact_keynumber, keyId);
  return value;
}

function getAuthOption(socket: OptionSocket, name: number, value: Uint8Array): number {
  try {
    return getOption(socket, name, value);
  } catch (error) {
    throw explained(error);
  }
}

function setAuthOption(socket: OptionSocket, name: number, value: Uint8Array): void {
  try {
    setOption(socket, name, value);
  } catch (error) {
    throw explained(error);
  }
}

/** Where the extension is off, or the peer does not have it, Linux answers EACCES to all of its options. */
function explained(error: unknown): unknown {
  if (!hasCode(error, "EACCES")) return error;
  return new UnsupportedError(
    "chunk authentication is off, or the peer does not support it: create the sockets of both ends with " +
      "`auth: { supported: true }`, or set the sysctl net.sctp.auth_enable=1",
    { cause: error },
  );
}
