import { type LookupAddress, lookup } from 'node:dns'
import { isIP, type LookupFunction, type Socket } from 'node:net'
import { isPrivateAddress, PrivateAddressError, withoutBrackets } from '../url/private-network.ts'

/** Looks up a name as Node does, and leaves out its private addresses. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
    if (error) return callback(error, [])
    const open = addresses.filter(({ address }) => !isPrivateAddress(address))
    if (open.length === 0) return callback(new PrivateAddressError(hostname, addresses[0]?.address ?? ''), [])
    if (options.all) callback(null, open)
    else callback(null, open[0].address, open[0].family)
  })
}

/**
 * Returns the error for a host that is itself a private address, which is never looked up; undefined if it is not one.
 * @param hostname a host as in `URL.hostname`
 */
export function refuseAddress(hostname: string): PrivateAddressError | undefined {
  const host = withoutBrackets(hostname)
  return isIP(host) !== 0 && isPrivateAddress(host) ? new PrivateAddressError(host, host) : undefined
}

/** Returns the error for a connection that nevertheless leads to a private address; undefined if it does not. */
export function refuseSocket(socket: Socket, hostname: string): PrivateAddressError | undefined {
  const { remoteAddress } = socket
  return remoteAddress !== undefined && isPrivateAddress(remoteAddress)
    ? new PrivateAddressError(hostname, remoteAddress)
    : undefined
}
