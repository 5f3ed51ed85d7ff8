/** `multiprocess/dashboard`: a page that shows what the program does, and the means to serve others. */
export type { LiveFile, LivePage, LivePageOptions } from './live/live-server.ts'
export { servePage } from './live/serve-page.ts'
export { type Dashboard, type DashboardOptions, startDashboard } from './live/start.ts'
