// A worker's handler that tells, on stdout, what it got: a line a batch.
export default batch => {
  console.log(`BATCH ${JSON.stringify(batch)}`)
}
