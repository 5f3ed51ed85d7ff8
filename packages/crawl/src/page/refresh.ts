/**
 * Returns the URL to which a `<meta http-equiv="refresh">` leads, as it is in the attribute, according to the HTML standard's "shared
 * declarative refresh steps". null if the text is not a refresh, or is one of the page itself.
 * @param content the attribute
 */
export function refreshTarget(content: string): string | null {
  const time = /^[\t\n\f\r ]*(?:\d+[\d.]*|\.[\d.]*)/.exec(content)
  if (!time) return null
  const rest = content.slice(time[0].length)
  if (rest === '' || !/^[;,\t\n\f\r ]/.test(rest)) return null
  const target = rest.replace(/^[\t\n\f\r ]*[;,]?[\t\n\f\r ]*/, '')
  const named = /^url[\t\n\f\r ]*=[\t\n\f\r ]*/i.exec(target)
  const value = named ? target.slice(named[0].length) : target
  const quote = value[0] === '"' || value[0] === "'" ? value[0] : ''
  const url = quote === '' ? value : value.slice(1).split(quote, 1)[0]
  return url === '' ? null : url
}
