/**
 * Sizes at which path MTUs are usually found: RFC 1191 section 7.1, with what tunnels and access networks have added.
 *
 * @module
 */

/** The largest IP packet: the lengths of RFC 791 and, without a jumbo payload, RFC 8200. */
export const MAX_PACKET = 65535;

/** The least that every link carries: RFC 791 section 3.2, RFC 8200 section 5. */
export const MIN_MTU: Readonly<Record<"inet" | "inet6", number>> = { inet: 68, inet6: 1280 };

/**
 * Common MTUs in descending order.
 *
 * 1492 is PPPoE, 1480 IP in IP, 1476 GRE, 1472 and 1450 are common overlays (VXLAN is 1450), 1420 is WireGuard, 1280 the
 * least of IPv6, 576 the least that hosts of IPv4 take.
 */
export const PLATEAUS: readonly number[] = [
  65535,
  32000,
  17914,
  9216,
  9000,
  8166,
  4352,
  2002,
  1500,
  1492,
  1480,
  1476,
  1472,
  1460,
  1450,
  1440,
  1420,
  1400,
  1380,
  1358,
  1280,
  1006,
  576,
  508,
  296,
  68,
];

/**
 * The size to try next where a router says that a packet was too large, and not what would fit.
 *
 * @returns The largest plateau below `size`, and no less than the family's minimum.
 */
export function plateauBelow(size: number, family: "inet" | "inet6"): number {
  const plateau = PLATEAUS.find((each) => each < size) ?? 0;
  return Math.max(plateau, MIN_MTU[family]);
}
