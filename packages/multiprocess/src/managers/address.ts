/** Where a manager's server is reached: the path of a unix socket, or a host and a port. */
export type Address = string | { readonly host: string; readonly port: number }

export function formatAddress(address: Address): string {
  return typeof address === 'string' ? address : `${address.host}:${address.port}`
}
