/** `MULTIPROCESS_DASHBOARD`: what it starts is loaded when it is set. */
import { startFromEnvironment } from './start.ts' // lazy

/** Serves the dashboard if whoever started this program asks for it. The faces call it once all of them is loaded. */
export function serveIfAsked(): void {
  const value = process.env['MULTIPROCESS_DASHBOARD']
  if (value !== undefined) startFromEnvironment(value)
}
