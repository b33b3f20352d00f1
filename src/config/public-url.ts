/** The API's public address: the API's own setting, and Twilio's option, since Twilio signs the address it posts to. */
import { addressBy, setting, webAddress } from './setting.js'

export const publicUrl = setting(
  'LULL_PUBLIC_URL',
  'The API’s address as providers see it, `https://your.host`, without the route’s path. Twilio signs it.',
  addressBy(webAddress),
)
