/** What codec-properties.test.ts and codec-damage.test.ts try on some thousand random cases, on a hundred thousand. */
process.env.MULTIPROCESS_TEST_RUNS = '100000'
// Not before that is set.
await import('./codec-properties.test.ts')
await import('./codec-damage.test.ts')
