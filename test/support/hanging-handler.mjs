/** A worker's handler that never answers: its conversation stays held until the worker stops. */
export default (_batch, { signal }) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
