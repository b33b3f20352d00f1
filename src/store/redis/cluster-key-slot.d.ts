/** The package has no types of its own. */
declare module 'cluster-key-slot' {
  /** The slot of a key, of its hash tag if it has one: 0 to 16,383. */
  export default function slotOf(key: string): number
}
