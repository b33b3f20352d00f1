/** A handler that does nothing: only the way to it is measured. */
export default async () => {}
