/** What values/properties.test.ts and values/damage.test.ts try on some thousand random cases, on a hundred thousand. */
process.env.MULTIPROCESS_TEST_RUNS = '100000'
// Not before that is set.
await import('./values/properties.test.ts')
await import('./values/damage.test.ts')
