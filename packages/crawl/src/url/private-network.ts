import { lookup as lookUp } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'

/** Addresses that mean this computer, its network, or nothing at all (the IANA special-purpose registries). */
const PRIVATE = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4]
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv4')
  // Node's block lists take ::ffff:a.b.c.d for a.b.c.d by themselves, but not the translations of NAT64 and 6to4.
  const [a, b, c, d] = network.split('.').map(Number)
  const hex = [((a << 8) | b).toString(16), ((c << 8) | d).toString(16)]
  PRIVATE.addSubnet(`64:ff9b::${hex[0]}:${hex[1]}`, 96 + prefix, 'ipv6')
  PRIVATE.addSubnet(`2002:${hex[0]}:${hex[1]}::`, 16 + prefix, 'ipv6')
}
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001:db8::', 32],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8]
] as const) {
  PRIVATE.addSubnet(network, prefix, 'ipv6')
}

/**
 * Returns true for an address of this computer, of a private or local network, or of no host.
 * @param address IPv4 or IPv6, without brackets
 */
export function isPrivateAddress(address: string): boolean {
  const family = isIP(address)
  if (family === 0) return false
  return PRIVATE.check(address.split('%', 1)[0], family === 6 ? 'ipv6' : 'ipv4')
}

/** The host of a URL has an address that is refused. */
export class PrivateAddressError extends Error {
  override readonly name = 'PrivateAddressError'
  readonly code = 'ERR_PRIVATE_ADDRESS'

  /** @param address the address that `host` leads to, or `host` itself */
  constructor(host: string, address: string) {
    const where = host === address ? host : `${host} (${address})`
    super(`refused to connect to ${where}: it is an address of a private network; --allow-private allows it`)
  }
}

/**
 * Returns true if a host is in a private network: it is such an address, or its name leads only to such addresses. A name that leads
 * nowhere is not in one.
 * @param hostname a host as in `URL.hostname`
 */
export async function isPrivateHost(hostname: string): Promise<boolean> {
  const host = withoutBrackets(hostname)
  if (isIP(host) !== 0) return isPrivateAddress(host)
  if (/^(?:.+\.)?localhost\.?$/i.test(host)) return true
  try {
    const addresses = await lookUp(host, { all: true })
    return addresses.length > 0 && addresses.every(({ address }) => isPrivateAddress(address))
  } catch {
    return false
  }
}

/** Returns `[::1]` as `::1`. */
export function withoutBrackets(hostname: string): string {
  return hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
}
