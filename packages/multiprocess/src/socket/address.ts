/** Checks the addresses of sockets. */

import type { BlockList, Socket } from 'node:net'
import { checkInteger, describe } from '../checks.ts'
import { ValueError } from '../errors.ts'
import { type HostAndPort, type NetAddress, socketAddress } from '../ground/os/socket-address.ts'

export type { HostAndPort, NetAddress } from '../ground/os/socket-address.ts'

// Node's own modules are loaded when they are first used: most programs do not use them.
const net = () => process.getBuiltinModule('node:net')

let loopback: BlockList | undefined

function loopbackAddresses(): BlockList {
  if (loopback === undefined) {
    loopback = new (net().BlockList)()
    loopback.addSubnet('127.0.0.0', 8, 'ipv4')
    loopback.addAddress('::1', 'ipv6')
  }
  return loopback
}

/** Returns the address. @throws TypeError, ValueError if it is not one */
export function checkAddress(address: NetAddress): NetAddress {
  if (typeof address === 'string') {
    if (address === '' || address === '\0')
      throw new ValueError('address must be the path of a unix socket, got an empty string')
    if (address.indexOf('\0', 1) > 0 && !address.startsWith('\0')) {
      throw new ValueError(`the path of a unix socket must not contain a NUL, got ${JSON.stringify(address)}`)
    }
    // Node would cut off a path that is too long, and connect to the socket of the shorter name.
    socketAddress(address)
    return address
  }
  const { host, port } = (address ?? {}) as Partial<HostAndPort>
  if (typeof host !== 'string' || typeof port !== 'number') {
    throw new TypeError(`address must be the path of a unix socket or { host, port }, got ${describe(address)}`)
  }
  return { host, port: checkInteger('port', port, 0, 0xffff) }
}

/** Returns an address to bind to. Its host is an IP address, because a name would have to be looked up first. */
export function checkBindAddress(address: NetAddress): NetAddress {
  const checked = checkAddress(address)
  if (typeof checked === 'string') return checked
  const host = checked.host === 'localhost' ? '127.0.0.1' : checked.host === '' ? '0.0.0.0' : checked.host
  if (net().isIP(host) === 0 || host.includes('%')) {
    throw new ValueError(
      `cannot listen at the host ${JSON.stringify(host)}: give an IP address, "localhost", or "" for all of this machine's`
    )
  }
  return { host, port: checked.port }
}

/** Returns true if only programs of this machine can connect to the address. */
export function isLoopback(address: NetAddress): boolean {
  if (typeof address === 'string') return true
  return loopbackAddresses().check(address.host, net().isIPv6(address.host) ? 'ipv6' : 'ipv4')
}

/**
 * Returns true for one of Linux's abstract names. They have no file, and so no permissions: every user of the machine can connect to them.
 */
export function isAbstract(address: NetAddress): boolean {
  return typeof address === 'string' && address.startsWith('\0')
}

export function describeAddress(address: NetAddress): string {
  if (typeof address === 'string') return JSON.stringify(address).replace('"\\u0000', '"\\0')
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** Returns the address of the other end; null for a unix socket, whose other end has no address. */
export function peerAddress(socket: Socket): HostAndPort | null {
  const { remoteAddress, remotePort } = socket
  return remoteAddress === undefined || remotePort === undefined ? null : { host: remoteAddress, port: remotePort }
}
