/** The answer to a batch, where only the way there is measured: none. */
export default async () => {}
