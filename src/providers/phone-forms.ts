/**
 * Phone numbers that WhatsApp writes in two forms, with and without a digit that their country added or abolished. Both
 * reach one person; each has one form here, the one under which WhatsApp keeps the account.
 *
 *   Brazil     55, two digits of area, 8 digits or a 9 and 8 digits. Areas below 31 have the ninth digit, the others do
 *              not. Only numbers that go on with 6 to 9: the others are fixed lines, which never got one
 *   Mexico     52, 1, 10 digits; without the 1 since Mexico abolished it in 2019
 *   Argentina  54, 9, 10 digits; without the 9 as it is dialled inside the country
 *
 * Sources: https://green-api.com/en/docs/faq/features-of-sending-and-receiving-messages-from-different-countries and
 * https://support.whapi.cloud/help-desk/faq/specifics-of-sending-messages-to-numbers-of-different-countries;
 * Evolution API makes the same distinction of areas (src/utils/createJid.ts).
 */
const BRAZIL = /^55([1-9][1-9])9?([6-9]\d{7})@c\.us$/
const MEXICO = /^521?([2-9]\d{9})@c\.us$/
const ARGENTINA = /^549?([1-8]\d{9})@c\.us$/

/** In areas below this one WhatsApp's ids have the ninth digit. */
const FIRST_AREA_WITHOUT = 31

/** The one form of a phone number's chat id; any other id as it is. */
export function oneForm(chatId: string): string {
  const [, area = '', local] = BRAZIL.exec(chatId) ?? []
  if (local !== undefined) return `55${area}${Number(area) < FIRST_AREA_WITHOUT ? '9' : ''}${local}@c.us`
  const mexican = MEXICO.exec(chatId)?.[1]
  if (mexican !== undefined) return `521${mexican}@c.us`
  const argentine = ARGENTINA.exec(chatId)?.[1]
  return argentine === undefined ? chatId : `549${argentine}@c.us`
}
