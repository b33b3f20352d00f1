/** The hook of the APIs (`LULL_RULES`): a message that ends its batch. */
export default (_place, messages) => (messages.at(-1)?.text?.endsWith(' stop') ? { flush: true } : undefined)
