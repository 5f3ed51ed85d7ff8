/** `multiprocess/dashboard`: a page that shows what the program does. */
export { type LiveFile, type LiveOptions, LiveServer } from './live/live-server.ts'
export { type Dashboard, type DashboardOptions, startDashboard } from './live/start.ts'
