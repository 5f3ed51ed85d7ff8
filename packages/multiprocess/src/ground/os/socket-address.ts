/**
 * The address of a socket: the path of a unix socket, one of Linux's abstract names (which begin with \0), or a host and a port.
 */
import { endianness } from 'node:os' // lazy
import { ValueError } from '../../errors.ts'

/** A host and a port of TCP. */
export interface HostAndPort {
  /** The name of a host, or its IP address. */
  readonly host: string
  /** The port. */
  readonly port: number
}

/** The address of a socket: the path of a unix socket, an abstract name of Linux, which begins with \0, or a host and a port. */
export type NetAddress = string | HostAndPort

/** The length of `sun_path` in a sockaddr_un, including the 0 that ends a path (unix(7)). */
const PATH_BYTES = 108
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10

/** Returns the bytes of a sockaddr_un, sockaddr_in or sockaddr_in6. `host` must be an IP address. */
export function socketAddress(address: NetAddress): Uint8Array {
  if (typeof address === 'string') {
    const path = Buffer.from(address)
    const isAbstract = address.startsWith('\0')
    if (path.length + (isAbstract ? 0 : 1) > PATH_BYTES) {
      throw new ValueError(
        `cannot use the unix socket ${JSON.stringify(address)}: its path has ${path.length} bytes, and the limit is ${PATH_BYTES - 1}; use a shorter path`
      )
    }
    const bytes = new Uint8Array(2 + path.length + (isAbstract ? 0 : 1))
    setFamily(bytes, AF_UNIX)
    bytes.set(path, 2)
    return bytes
  }
  const { host, port } = address
  const bytes = new Uint8Array(host.includes(':') ? 28 : 16)
  const view = new DataView(bytes.buffer)
  setFamily(bytes, host.includes(':') ? AF_INET6 : AF_INET)
  view.setUint16(2, port)
  if (!host.includes(':')) {
    bytes.set(host.split('.').map(Number), 4)
  } else {
    bytes.set(ipv6Bytes(host), 8)
  }
  return bytes
}

function setFamily(bytes: Uint8Array, family: number): void {
  bytes[endianness() === 'LE' ? 0 : 1] = family
}

/** Returns the sixteen bytes of an IPv6 address in any of its spellings. */
function ipv6Bytes(host: string): number[] {
  // A URL's host is the address in its canonical spelling: hexadecimal groups without dots.
  const [head, tail] = new URL(`http://[${host}]`).hostname.slice(1, -1).split('::')
  const groups = (text: string | undefined) => (text ? text.split(':') : [])
  const before = groups(head)
  const after = groups(tail)
  const zeros = new Array(8 - before.length - after.length).fill('0')
  return [...before, ...zeros, ...after].flatMap(group => {
    const word = Number.parseInt(group, 16)
    return [word >> 8, word & 0xff]
  })
}
