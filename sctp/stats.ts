/**
 * What handles count.
 *
 * @module
 */

/**
 * Counters of an association's handle, since it was opened; see {@linkcode SctpAssociation.statistics} for those of the
 * protocol.
 */
export interface SctpAssociationStats {
  /** Messages handed to the stack. */
  messagesSent: number;
  /** Their bytes. */
  bytesSent: number;
  /** Messages received from the stack. */
  messagesReceived: number;
  /** Their bytes. */
  bytesReceived: number;
  /** Notifications received from the stack, those that only the handle itself needed included. */
  notificationsReceived: number;
  /** Messages discarded because they exceeded `maxMessageSize`. */
  oversizedMessages: number;
  /** Messages discarded because their last piece never came. */
  incompleteMessages: number;
  /** Messages discarded because they came during our shutdown, and nobody received. */
  droppedMessages: number;
  /** Notifications discarded because nobody took them from `events()`. */
  droppedNotifications: number;
  /** Messages that wait in the queue of `receive()`. */
  queuedMessages: number;
  /** Their bytes, with an overhead of 64 for each. */
  queuedBytes: number;
  /** Notifications that wait in the queue of `events()`. */
  queuedNotifications: number;
}

/** Counters of an endpoint's handle, since it was opened. */
export interface SctpEndpointStats {
  /** Messages handed to the stack. */
  messagesSent: number;
  /** Their bytes. */
  bytesSent: number;
  /** Messages received from the stack. */
  messagesReceived: number;
  /** Their bytes. */
  bytesReceived: number;
  /** Notifications received from the stack, those that only the handle itself needed included. */
  notificationsReceived: number;
  /** Messages discarded because they exceeded `maxMessageSize`. */
  oversizedMessages: number;
  /** Messages discarded because their last piece never came. */
  incompleteMessages: number;
  /** Events discarded because they came while the endpoint was being shut down, and nobody received. */
  droppedEvents: number;
  /** Events that wait in the queue of `receive()`. */
  queuedEvents: number;
  /** The bytes of the messages among them, with an overhead of 64 for each event. */
  queuedBytes: number;
}

/** Counters of a listener, since it was opened. */
export interface SctpListenerStats {
  /** Associations that were accepted. */
  associationsAccepted: number;
}
