/** `multiprocess/dashboard`: a page that shows what the program does. */
export { type Dashboard, type DashboardOptions, startDashboard } from './live/start.ts'
